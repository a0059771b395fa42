"""WMI over WS-Management: queries to their last page, objects by key, methods."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement

from pypsrp.wsman import NAMESPACES, WSManAction

from orchestrator.adapters.winrm.faults import MalformedError
from orchestrator.adapters.winrm.session import Pairs, Session
from orchestrator.adapters.winrm.soap import children, first, text_of
from orchestrator.adapters.winrm.values import Row, row_of, rows_of

WMI = "http://schemas.microsoft.com/wbem/wsman/1/wmi/"
WQL = "http://schemas.microsoft.com/wbem/wsman/1/WQL"
CIMV2 = "root/cimv2"
_WSEN = "{" + NAMESPACES["wsen"] + "}"
_WSMAN = "{" + NAMESPACES["wsman"] + "}"
_XSI = "{" + NAMESPACES["xsi"] + "}"


@dataclass(frozen=True, slots=True)
class Embedded:
    """An object handed to a method: its class and its values."""

    class_name: str
    values: Mapping[str, Argument]


Argument = str | int | Embedded | Sequence[str | int | Embedded]


def quoted(text: str) -> str:
    """A WQL text: backslash and quote are escaped with a backslash (KB242507)."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def select(columns: str, class_name: str, where: str = "") -> str:
    """A WQL query; ``where`` is made of :func:`quoted` and :func:`any_of`."""
    parts = ("SELECT", columns, "FROM", class_name)
    return " ".join((*parts, "WHERE", where) if where else parts)


def any_of(name: str, values: Iterable[str | int]) -> str:
    """``name=a OR name=b``: keyed, unlike LIKE or a filter by folder."""
    return " OR ".join(
        f"{name}={value if isinstance(value, int) else quoted(value)}"
        for value in values
    )


class WsMan:
    """What WMI answers over one session."""

    def __init__(self, session: Session) -> None:
        """Speak over a session; nothing is sent yet."""
        self._session = session

    def query(self, wql: str, namespace: str = CIMV2) -> tuple[Row, ...]:
        """Every row of a query: pages are pulled until the service says the end.

        Raises:
            WsFaultError: WMI or the service refuses the query.
            MalformedError: no end in sight, or no rows.
        """
        limits = self._session.limits
        uri = f"{WMI}{namespace}/*"
        answer = self._session.call(
            WSManAction.ENUMERATE,
            uri,
            _enumerate_body(wql, limits.page_rows),
            repeatable=True,
        )
        page = first(answer, "EnumerateResponse")
        rows = list(rows_of(_items(page)))
        while context := _more(page):
            if len(rows) > limits.max_rows:
                raise MalformedError(f"more than {limits.max_rows} rows")
            # Not repeated: a pull that was lost may have taken its rows along.
            body = _pull_body(context, limits.page_rows)
            page = first(
                self._session.call(WSManAction.PULL, uri, body), "PullResponse"
            )
            pulled = rows_of(_items(page))
            if not pulled and _more(page) is not None:
                raise MalformedError("a page without rows and without an end")
            rows += pulled
        return tuple(rows)

    def get(self, class_name: str, selectors: Pairs, namespace: str = CIMV2) -> Row:
        """One object by its key.

        Raises:
            WsFaultError: there is none.
        """
        answer = self._session.call(
            WSManAction.GET,
            f"{WMI}{namespace}/{class_name}",
            selectors=selectors,
            repeatable=True,
        )
        found = next(iter(answer), None)
        if found is None:
            raise MalformedError(f"{class_name} came without its object")
        return row_of(found)

    def invoke(
        self,
        class_name: str,
        method: str,
        arguments: Iterable[tuple[str, Argument]] = (),
        *,
        selectors: Pairs = (),
        namespace: str = CIMV2,
        repeatable: bool = False,
    ) -> Row:
        """Call a method; its out parameters and ``ReturnValue``.

        Raises:
            WsFaultError: the class, the object or the method is not there, or not
                for us.
        """
        uri = f"{WMI}{namespace}/{class_name}"
        body = Element(f"{{{uri}}}{method}_INPUT")
        for name, value in arguments:
            _add(body, uri, name, value, f"{WMI}{namespace}")
        answer = self._session.call(
            f"{uri}/{method}", uri, body, selectors=selectors, repeatable=repeatable
        )
        output = first(answer, f"{method}_OUTPUT")
        if output is None:
            raise MalformedError(f"{class_name}.{method} answered without its output")
        return row_of(output)


def _enumerate_body(wql: str, page_rows: int) -> Element:
    body = Element(f"{_WSEN}Enumerate")
    SubElement(body, f"{_WSMAN}OptimizeEnumeration")
    SubElement(body, f"{_WSMAN}MaxElements").text = str(page_rows)
    SubElement(body, f"{_WSMAN}Filter", Dialect=WQL).text = wql
    return body


def _pull_body(context: str, page_rows: int) -> Element:
    body = Element(f"{_WSEN}Pull")
    SubElement(body, f"{_WSEN}EnumerationContext").text = context
    SubElement(body, f"{_WSEN}MaxElements").text = str(page_rows)
    return body


def _items(page: Element | None) -> Iterator[Element]:
    if page is None:
        raise MalformedError("an answer without a page of rows")
    for items in children(page, "Items"):
        yield from items


def _more(page: Element | None) -> str | None:
    """The context of the next page; ``None`` at the end."""
    if first(page, "EndOfSequence") is not None:
        return None
    return text_of(first(page, "EnumerationContext")) or None


def _add(parent: Element, uri: str, name: str, value: Argument, namespace: str) -> None:
    if isinstance(value, Embedded):
        _embed(SubElement(parent, f"{{{uri}}}{name}"), value, namespace)
    elif isinstance(value, str | int):
        SubElement(parent, f"{{{uri}}}{name}").text = str(value)
    else:
        for one in value:
            _add(parent, uri, name, one, namespace)


def _embed(child: Element, value: Embedded, namespace: str) -> None:
    inner = f"{namespace}/{value.class_name}"
    # The type attribute needs a prefix that stands for the class's namespace; the
    # writer picks prefixes itself, so this one is declared by hand.
    child.set("xmlns:v", inner)
    child.set(f"{_XSI}type", f"v:{value.class_name}_Type")
    for key, one in value.values.items():
        _add(child, inner, key, one, namespace)
