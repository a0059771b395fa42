"""ping, hostname and chcp."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from orchestrator.lab.windows.cmd.ports import Invocation
from orchestrator.lab.windows.cmd.program.arguments import arguments
from orchestrator.lab.windows.cmd.streams import Routine

PING_SECONDS, PING_TIMEOUT, PINGS = 1.0, 5.0, 4
MAX_PINGS = 1_000_000
CODE_PAGES = frozenset({437, 850, 852, 855, 857, 860, 861, 863, 865, 866, 1252, 65001})


def hostname(run: Invocation) -> int:
    """Print the computer's name."""
    run.print(f"{run.system.host_name}\r\n")
    return 0


def chcp(run: Invocation) -> int:
    """Show the code page, or change it for all programs of the shell."""
    words = arguments(run.tail)
    if words and (not words[0].isdecimal() or int(words[0]) not in CODE_PAGES):
        run.complain("Invalid code page\r\n")
        return 1
    if words:
        run.console.code_page = int(words[0])
    run.print(f"Active code page: {run.console.code_page}\r\n")
    return 0


def ping(run: Invocation) -> Routine:
    """Only this computer answers; others time out. A second lies between pings."""
    words = arguments(run.tail)
    count = _number(words, "-n", PINGS)
    target = _ping_target(words)
    if not target:
        run.print("IP address must be specified.\r\n")
        return 1
    local = target.startswith("127.") or target.lower() in (
        "localhost",
        run.system.host_name.lower(),
    )
    address = target if target[0].isdigit() else "127.0.0.1"
    if not local and not target[0].isdigit():
        run.print(
            f"Ping request could not find host {target}."
            " Please check the name and try again.\r\n"
        )
        return 1
    run.print(f"\r\nPinging {address} with 32 bytes of data:\r\n\r\n")
    for number in range(count):
        if number:
            yield run.executor.pause(PING_SECONDS if local else PING_TIMEOUT)
        reply = f"Reply from {address}: bytes=32 time<1ms TTL=128"
        run.print(f"{reply if local else 'Request timed out.'}\r\n")
    received = count if local else 0
    lost = count - received
    run.print(
        f"\r\nPing statistics for {address}:\r\n    Packets: Sent = {count}, Received ="
        f" {received}, Lost = {lost} ({100 * lost // count}% loss),\r\n"
    )
    return 0 if local else 1


def _ping_target(words: Sequence[str]) -> str:
    takes_value = ("-n", "-w", "-l", "-i")
    return next(
        (
            word
            for index, word in enumerate(words)
            if word[:1] not in ("-", "/")
            and (not index or words[index - 1].lower() not in takes_value)
        ),
        "",
    )


def _number(words: Sequence[str], switch: str, default: int) -> int:
    for word, value in pairwise(words):
        if word.lower() == switch and value.isdecimal():
            return min(max(int(value), 1), MAX_PINGS)
    return default
