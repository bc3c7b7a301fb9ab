"""The one error type that is meant for people."""


class UserError(Exception):
    """What is wrong, where, and what was expected, in one line.

    Commands print the message and exit with code 2; nothing prints a traceback for it.
    """
