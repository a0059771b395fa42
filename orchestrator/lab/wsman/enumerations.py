"""Open enumerations: contexts that change with every pull and expire."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from orchestrator.lab.wsman import soap_faults as faults
from orchestrator.lab.wsman.answers import new_id
from orchestrator.lab.wsman.personality import Personality
from orchestrator.lab.wsman.soap_faults import SoapFault


@dataclass(slots=True)
class _Open:
    resource: str
    user: str
    items: deque[str]
    expires: float


class Enumerations:
    """The enumerations that a computer holds for its clients.

    Every answer hands out a new context and the old one is void, as in MS-WSMV
    4.1.2; a client that keeps the first context loses rows.
    """

    def __init__(self, personality: Personality, clock: Callable[[], float]) -> None:
        """Start empty; ``clock`` gives monotonic seconds."""
        self._personality = personality
        self._clock = clock
        self._open: dict[str, _Open] = {}

    def begin(self, resource: str, user: str, items: Iterable[str]) -> str:
        """Open an enumeration and return its context.

        Raises:
            SoapFault: too many are open (MS-WSMV 3.1.4.1.19).
        """
        self._expire()
        limits = self._personality
        mine = sum(each.user == user for each in self._open.values())
        if _reached(len(self._open), limits.max_operations) or _reached(
            mine, limits.max_operations_per_user
        ):
            raise SoapFault(
                faults.INTERNAL_ERROR, "Too many enumerations are open. Retry later."
            )
        return self._store(_Open(resource, user, deque(items), 0.0))

    def take(
        self, context: str, resource: str, user: str, *, count: int, octets: int
    ) -> tuple[list[str], str]:
        """The next items, and the new context or "" at the end.

        Raises:
            SoapFault: the context is unknown or expired, or not one item fits.
        """
        found = self._claim(context, resource, user)
        page: list[str] = []
        room = octets
        while found.items and len(page) < count:
            size = len(found.items[0].encode())
            if size > room:
                break
            room -= size
            page.append(found.items.popleft())
        if found.items and not page:
            raise SoapFault(faults.RESPONSE_TOO_LARGE)
        return page, self._store(found) if found.items else ""

    def release(self, context: str, resource: str, user: str) -> None:
        """Forget an enumeration.

        Raises:
            SoapFault: the context is unknown or expired.
        """
        self._claim(context, resource, user)

    def _store(self, entry: _Open) -> str:
        context = "uuid:" + new_id()
        entry.expires = self._clock() + self._personality.enumeration_timeout_s
        self._open[context] = entry
        return context

    def _claim(self, context: str, resource: str, user: str) -> _Open:
        self._expire()
        found = self._open.get(context)
        if found is None or (found.resource, found.user) != (resource.lower(), user):
            raise SoapFault(faults.INVALID_CONTEXT)
        del self._open[context]
        return found

    def _expire(self) -> None:
        now = self._clock()
        for context in [key for key, each in self._open.items() if each.expires <= now]:
            del self._open[context]


def _reached(count: int, limit: int | None) -> bool:
    return limit is not None and count >= limit
