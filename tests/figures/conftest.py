"""The look of all figures, as the commands set it."""

from collections.abc import Iterator

import matplotlib as mpl
import pytest

from groundscope.figures import style


@pytest.fixture(autouse=True)
def look() -> Iterator[None]:
    """Draw with the settings of the plot commands."""
    with mpl.rc_context(style.SETTINGS):
        yield
