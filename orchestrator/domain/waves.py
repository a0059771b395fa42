"""Cutting an ordered list into waves that grow, each kind's first member in front."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

T = TypeVar("T")


def leaders_first(ranked: Sequence[T], kind: Callable[[T], Hashable]) -> tuple[T, ...]:
    """The first of each kind, then the others; both in their order."""
    seen: set[Hashable] = set()
    leaders: list[T] = []
    rest: list[T] = []
    for entry in ranked:
        of = kind(entry)
        (rest if of in seen else leaders).append(entry)
        seen.add(of)
    return (*leaders, *rest)


def cut(entries: Sequence[T], growth: Sequence[float]) -> tuple[tuple[T, ...], ...]:
    """Waves of these sizes: counts, or shares below 1; the last takes the rest."""
    waves: list[tuple[T, ...]] = []
    begin = 0
    for size in (*growth, math.inf):
        if begin >= len(entries):
            break
        count = _count(size, len(entries))
        waves.append(tuple(entries[begin : begin + count]))
        begin += count
    return tuple(waves)


def _count(size: float, total: int) -> int:
    """A wave's size; a share is rounded up, so that it is never empty."""
    if math.isinf(size):
        return total
    # Rounded first, or 7 % of 100 would come to 8.
    share = math.ceil(round(size * total, 9))
    return max(1, share if size < 1 else int(size))
