"""The one error type that is meant for people."""


class UserError(Exception):
    """What is wrong, where, and what was expected, in one line.

    Commands print the message and exit with code 2; nothing prints a traceback for it.
    """


class NothingToDraw(UserError):
    """An analysis has no number of what a figure shows; the figure is drawn, and says so."""
