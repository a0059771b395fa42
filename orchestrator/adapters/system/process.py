"""Who runs this process, what it is called, and whether another has ended."""

from __future__ import annotations

import getpass
import os
import secrets
import socket


def account() -> str:
    """The operating-system account that runs this process."""
    try:
        return getpass.getuser()
    except OSError:
        return f"uid {os.getuid()}"


def process_name() -> str:
    """A name that no other process has had: host, process id and a nonce."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def is_gone(owner: str) -> bool:
    """Whether a process of this machine, named as above, is known to have ended."""
    host, _, rest = owner.rpartition("-")[0].rpartition("-")
    if host != socket.gethostname() or not rest.isdecimal():
        return False
    try:
        os.kill(int(rest), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
