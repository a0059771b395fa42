"""What a WMI class is here: names of properties, a source of rows, methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from orchestrator.lab.machine import (
    WBEM_E_INVALID_CLASS,
    WBEM_E_INVALID_METHOD,
    WBEM_E_INVALID_NAMESPACE,
    WBEM_E_INVALID_PARAMETER,
    WBEM_E_NOT_FOUND,
    Instance,
    WmiError,
    WmiValue,
)
from orchestrator.lab.windows import wql
from orchestrator.lab.windows.host import Host

Row = Mapping[str, WmiValue]
Rows = Callable[[Host, wql.Condition | None], Iterable[Row]]
Method = Callable[[Host, Row, Mapping[str, WmiValue]], Row]
"""Takes the object it is called on (empty for a static method) and arguments by
lower-case name; gives ``ReturnValue`` and the out parameters."""

CIMV2 = "root\\cimv2"
NO_METHODS: Mapping[str, Method] = MappingProxyType({})


def _always(_: Host) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class WmiClass:
    """One class. A property that its rows lack is NULL; no keys: a singleton."""

    name: str
    keys: tuple[str, ...]
    properties: tuple[str, ...]
    rows: Rows
    methods: Mapping[str, Method] = field(default_factory=dict)
    static: frozenset[str] = frozenset()
    namespace: str = CIMV2
    present: Callable[[Host], bool] = _always

    def canonical(self, name: str) -> str | None:
        """A property's own spelling; ``None`` when the class lacks it."""
        known = (own for own in self.properties if own.lower() == name.lower())
        return next(known, None)


def table(
    name: str,
    keys: str,
    properties: str,
    rows: Rows,
    *,
    methods: Mapping[str, Method] = NO_METHODS,
    static: str = "",
    namespace: str = CIMV2,
    present: Callable[[Host], bool] = _always,
) -> WmiClass:
    """A class from names separated by blanks; keys need not be repeated."""
    names = tuple(dict.fromkeys((*keys.split(), *properties.split())))
    return WmiClass(
        *(name, tuple(keys.split()), names, rows),
        methods=methods,
        static=frozenset(static.split()),
        namespace=namespace,
        present=present,
    )


class Repository:
    """The classes of one kind of computer, shared by all of that kind."""

    def __init__(self, classes: Iterable[WmiClass]) -> None:
        """Index the classes by namespace and name."""
        self._classes = {(one.namespace, one.name.lower()): one for one in classes}
        self._namespaces = {namespace for namespace, _ in self._classes}

    def find(self, host: Host, namespace: str, name: str) -> WmiClass:
        """A class by name.

        Raises:
            WmiError: the namespace or the class is unknown on this computer.
        """
        space = namespace.replace("/", "\\").strip("\\").lower()
        if space not in self._namespaces:
            raise WmiError(WBEM_E_INVALID_NAMESPACE, f"Invalid namespace {namespace}")
        found = self._classes.get((space, name.lower()))
        if found is None or not found.present(host):
            raise WmiError(WBEM_E_INVALID_CLASS, f"Invalid class {name}")
        return found

    def query(self, host: Host, namespace: str, text: str) -> list[Instance]:
        """Answer a WQL query.

        Raises:
            WmiError: what the query names does not exist, or it is not WQL.
        """
        select = wql.parse(text)
        found = self.find(host, namespace, select.class_name)
        mentioned = (*(select.names or ()), *sorted(wql.names_in(select.where)))
        for name in mentioned:
            if found.canonical(name) is None:
                raise wql.invalid(f"{found.name} has no property {name}")
        names = [found.canonical(name) or name for name in select.names or ()]
        return [
            Instance(
                found.name, {name: row.get(name) for name in names or found.properties}
            )
            for row in _matching(found, host, select.where)
        ]

    def get(
        self, host: Host, namespace: str, name: str, selectors: Mapping[str, str]
    ) -> Instance:
        """One object by its keys.

        Raises:
            WmiError: no such class or object, or the keys are not its keys.
        """
        found = self.find(host, namespace, name)
        row = _one(found, host, selectors)
        return Instance(found.name, {prop: row.get(prop) for prop in found.properties})

    def invoke(
        self,
        host: Host,
        namespace: str,
        name: str,
        method: str,
        *,
        arguments: Mapping[str, WmiValue],
        selectors: Mapping[str, str],
    ) -> Row:
        """Call a method of a class or of the object that the selectors name.

        Raises:
            WmiError: no such class, method or object.
        """
        found = self.find(host, namespace, name)
        named = {own.lower(): own for own in found.methods}
        own = named.get(method.lower())
        if own is None:
            raise WmiError(WBEM_E_INVALID_METHOD, f"Invalid method {method}")
        row: Row = {} if own in found.static else _one(found, host, selectors)
        lowered = {key.lower(): value for key, value in arguments.items()}
        return found.methods[own](host, row, lowered)


def _matching(
    found: WmiClass, host: Host, where: wql.Condition | None
) -> Iterable[Row]:
    for row in found.rows(host, where):
        lowered = {name.lower(): value for name, value in row.items()}
        if wql.matches(where, lowered):
            yield row


def _one(found: WmiClass, host: Host, selectors: Mapping[str, str]) -> Row:
    given = {name.lower() for name in selectors} - {"__cimnamespace"}
    if given != {key.lower() for key in found.keys}:
        wanted = ", ".join(found.keys) or "no selector"
        raise WmiError(
            WBEM_E_INVALID_PARAMETER, f"{found.name} is selected by {wanted}"
        )
    where: wql.Condition | None = None
    for name, value in selectors.items():
        if name.lower() in given:
            test = wql.Comparison(name, "=", value)
            where = wql.Both(where, test) if where else test
    for row in _matching(found, host, where):
        return row
    raise WmiError(WBEM_E_NOT_FOUND, f"Not found: {found.name}")
