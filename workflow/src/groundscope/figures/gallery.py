"""Figures inside the page: the SVG itself, so that values show under the pointer, and a caption."""

import html
import re
from collections.abc import Mapping, Sequence

from docutils.core import publish_parts

_LONG_PLACE = re.compile(r"(\d\.\d\d)\d+")
_WILDCARD = re.compile(r"{{ snakemake\.wildcards\.(\w+) }}")


def caption(source: str, wildcards: Mapping[str, str]) -> str:
    """Caption as HTML.

    Parameters
    ----------
    source
        A caption of the report: reStructuredText with the wildcards of a job in double braces.
    wildcards
        Their values.
    """
    text = _WILDCARD.sub(lambda match: wildcards[match[1]], source)
    settings = {"file_insertion_enabled": False, "raw_enabled": False, "report_level": 2}
    return str(publish_parts(text, writer="html5", settings_overrides=settings)["body"])


def gallery(titles: Sequence[str], figures: Sequence[str], captions: Sequence[str]) -> str:
    """Put figures and captions one below the other.

    Parameters
    ----------
    titles
        One a figure.
    figures
        SVG files, as text.
    captions
        HTML.
    """
    parts = []
    for number, (title, svg, text) in enumerate(zip(titles, figures, captions, strict=True)):
        parts.append(
            f'<figure id="figure-{number}"><h3>{html.escape(title)}</h3>'
            f"{_inline(svg, f'f{number}-')}"
            f"<figcaption>{text}</figcaption></figure>"
        )
    return "\n".join(parts)


def _inline(svg: str, prefix: str) -> str:
    """Cut the prolog off, and make every identifier one of this figure alone."""
    body = svg[svg.index("<svg") :]
    # the page is to be small, see `write_summary`: its style has the font; what is defined is drawn
    # in the style of its use; places, which stand in tags, need no more digits, while a number
    # between tags is text to be read
    body = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", body, flags=re.DOTALL)
    body = re.sub(r"font-family: 'DejaVu Sans'; ", "", body)
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    body = re.sub(r'(<path id="[^"]*" d="[^"]*") style="[^"]*"', r"\1", body)
    body = re.sub(r"<[^>]*>", lambda tag: _LONG_PLACE.sub(r"\1", tag[0]), body)
    body = re.sub(r">\s+<", "><", re.sub(r"\s+", " ", body))
    names = {name: f"{prefix}{k}" for k, name in enumerate(re.findall(r' id="([^"]*)"', body))}
    return re.sub(r'( id="|href="#|url\(#)([^")]*)', lambda found: found[1] + names[found[2]], body)
