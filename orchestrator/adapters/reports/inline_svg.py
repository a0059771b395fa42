"""A figure as SVG that may stand inside the page under its policy.

The policy allows no style but the page's own sheet, so styles become attributes, and
stand-ins become what they stand for: variables of that sheet, and names from outside.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

from markupsafe import Markup

from orchestrator.adapters.reports.inert import inert

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SVG: Final = "{http://www.w3.org/2000/svg}"
#: A longer name is shortened, and its title has the rest.
LABEL_LETTERS: Final = 22
#: Fonts and their sizes are the page's own.
_LEFT_OUT: Final = frozenset({"font", "font-family", "font-size", "white-space"})

ET.register_namespace("", _SVG[1:-1])
ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def inlined(
    figure: Figure, label: str, names: Sequence[str], colours: Mapping[str, str]
) -> Markup:
    """The figure's SVG.

    Args:
        figure: drawn with stand-ins.
        label: what it shows, for those who do not see it.
        names: texts that ``#0``, ``#1`` … stand for.
        colours: the style sheet's variable for each stand-in.
    """
    root = ET.fromstring(_saved(figure, label))  # noqa: S314 - matplotlib made it, and nothing from outside is in it yet
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag == f"{_SVG}style" or not child.tag.startswith(_SVG):
                parent.remove(child)
    for element in root.iter():
        _attributes(element, colours)
        if element.text and element.text.startswith("#"):
            _name(element, inert(names[int(element.text[1:])]))
    for size in ("width", "height"):
        del root.attrib[size]
    root.attrib |= {"class": "plot", "role": "img", "aria-label": label}
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - serialised from a tree, so every text in it is escaped


def _saved(figure: Figure, salt: str) -> bytes:
    from matplotlib import rc_context  # noqa: PLC0415 - as slow to load as a figure

    stream = io.BytesIO()
    # Text stays text; the same figure has the same ids, and no two share any.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": salt}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue()


def _attributes(element: ET.Element, colours: Mapping[str, str]) -> None:
    if not element.get("id", "").startswith(("m", "p")) or element.tag == f"{_SVG}g":
        element.attrib.pop("id", None)
    for declaration in element.attrib.pop("style", "").split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key and key not in _LEFT_OUT:
            known = colours.get(value)
            element.set(key, f"var(--{known})" if known else value)


def _name(element: ET.Element, name: str) -> None:
    fits = len(name) <= LABEL_LETTERS
    element.text = name if fits else f"{name[: LABEL_LETTERS - 1]}…"
    if not fits:
        title = ET.SubElement(element, f"{_SVG}title")
        title.text = name
