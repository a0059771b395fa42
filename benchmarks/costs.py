"""What work costs in a process of its own, and figures as JSON values and tables."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall and CPU seconds, the peak of memory in KiB, and what came of it."""

    wall_s: float
    cpu_s: float
    peak_kib: int
    value: Any = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; ``ratio`` is to the figure that ``against`` names."""

    what: str
    value: float
    unit: str
    against: str = ""
    ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A bound that was set before, and what was found."""

    what: str
    found: float
    bound: float
    #: Whether the bound is a least, else a most.
    least: bool = False

    @property
    def met(self) -> bool:
        """Whether what was found keeps to the bound."""
        return self.found >= self.bound if self.least else self.found <= self.bound


def result(
    settings: str, figures: Iterable[Figure], targets: Iterable[Target] = ()
) -> dict[str, Any]:
    """A benchmark's figures as JSON values."""
    return {
        "settings": settings,
        "figures": [asdict(figure) for figure in figures],
        "targets": [asdict(target) | {"met": target.met} for target in targets],
    }


def alone(work: Callable[..., Any], *arguments: Any) -> Cost:
    """Call a function of a module in a fresh process; its imports do not count."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_measured, work, arguments).result()


def _measured(work: Callable[..., Any], arguments: Sequence[Any]) -> Cost:
    cpu, begun = time.process_time(), time.perf_counter()
    value = work(*arguments)
    took, cpu = time.perf_counter() - begun, time.process_time() - cpu
    return Cost(took, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, value)


def command(words: Sequence[str], environment: dict[str, str]) -> Cost:
    """A program to its end, its start and all that it starts included.

    Raises:
        subprocess.CalledProcessError: it ended as a fault of the program.
    """
    begun = time.perf_counter()
    with subprocess.Popen(  # noqa: S603  # our own words
        words,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        # Read as it comes; wait4 tells the cost of this child alone.
        out = process.stdout.read() if process.stdout else ""
        err = process.stderr.read() if process.stderr else ""
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - begun
    if process.returncode in (1, 2):
        sys.stderr.write(err)
        raise subprocess.CalledProcessError(process.returncode, words, out, err)
    return Cost(took, used.ru_utime + used.ru_stime, used.ru_maxrss, out)


def table(found: dict[str, Any]) -> str:
    """The figures and targets as a table in Markdown."""
    lines = ["| figure | value | against | ratio |", "|---|---:|---|---:|"]
    for row in found.get("figures", []):
        if "what" not in row or "value" not in row:
            return f"```json\n{json.dumps(found, indent=1)}\n```"
        ratio = "" if row["ratio"] is None else f"{row['ratio']:.2f}"
        value = f"{row['value']:,.2f} {row['unit']}"
        lines.append(f"| {row['what']} | {value} | {row['against']} | {ratio} |")
    if found.get("targets"):
        lines += ["", "| target | found | bound | met |", "|---|---:|---:|---|"]
    for row in found.get("targets", []):
        bound = f"{'≥' if row['least'] else '≤'} {row['bound']:g}"
        met = "yes" if row["met"] else "**no**"
        lines.append(f"| {row['what']} | {row['found']:.2f} | {bound} | {met} |")
    if "profile" in found:
        lines += ["", "Where it goes:", "", "```text", found["profile"], "```"]
    return "\n".join(lines)


def allow_files(needed: int) -> None:
    """Raise this process's limit of open files, where it is lower.

    Raises:
        RuntimeError: the system allows fewer; the message says what to do.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise RuntimeError(
            f"{needed} open files are needed, the system allows {hard}; raise the "
            "limit (ulimit -Hn) or measure fewer in flight"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def tried(
    text: str | None, measure: Callable[..., dict[str, Any]], **sizes: float
) -> None:
    """Measure and show, with the sizes that are given as ``--name N``."""
    parser = argparse.ArgumentParser(description=text)
    for name, size in sizes.items():
        parser.add_argument(
            f"--{name.replace('_', '-')}", type=type(size), default=size
        )
    show(measure(**vars(parser.parse_args())))


def show(found: dict[str, Any]) -> None:
    """JSON on standard output, a table on standard error."""
    sys.stderr.write(table(found) + "\n")
    json.dump(found, sys.stdout, indent=1)
    sys.stdout.write("\n")
