"""A Kerberos KDC of MIT's, with a realm of its own, on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REALM = "LAB.TEST"
PROGRAMS = {
    name: shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    for name in ("kdb5_util", "kadmin.local", "krb5kdc")
}
_CLIENT = """\
[libdefaults]
  default_realm = {realm}
  dns_lookup_kdc = false
  dns_lookup_realm = false
  dns_canonicalize_hostname = false
  rdns = false
  udp_preference_limit = 1
[realms]
  {realm} = {{
    kdc = 127.0.0.1:{port}
  }}
"""
_SERVER = """\
[kdcdefaults]
  kdc_listen = ""
  kdc_tcp_listen = 127.0.0.1:{port}
[realms]
  {realm} = {{
    database_name = {folder}/principal
    key_stash_file = {folder}/stash
    acl_file = {folder}/acl
  }}
"""


def missing() -> str:
    """What is not installed here; empty where nothing is."""
    return ", ".join(name for name, found in PROGRAMS.items() if found is None)


@dataclass(frozen=True, slots=True)
class Kdc:
    """A running KDC, and the environment in which Kerberos libraries find it."""

    environment: Mapping[str, str]

    def run(self, program: str, *arguments: str) -> None:
        """Run one of its tools."""
        subprocess.run(
            [str(PROGRAMS[program]), *arguments],
            env={**os.environ, **self.environment},
            check=True,
            capture_output=True,
            timeout=30,
            stdin=subprocess.DEVNULL,
        )

    def add_user(self, name: str, password: str) -> None:
        """An account with a password."""
        self.run("kadmin.local", "-q", f"addprinc -pw {password} {name}")

    def add_host(self, name: str) -> None:
        """A host's own account, its key in the keytab."""
        keytab = self.environment["KRB5_KTNAME"]
        self.run("kadmin.local", "-q", f"addprinc -randkey host/{name}")
        self.run("kadmin.local", "-q", f"ktadd -k {keytab} host/{name}")


@contextmanager
def running(folder: Path) -> Iterator[Kdc]:
    """Make a realm in a folder and serve it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    facts = {"realm": REALM, "port": port, "folder": folder}
    (folder / "krb5.conf").write_text(_CLIENT.format(**facts))
    (folder / "kdc.conf").write_text(_SERVER.format(**facts))
    kdc = Kdc(
        {
            "KRB5_CONFIG": str(folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
            "KRB5_KTNAME": str(folder / "keytab"),
            "KRB5CCNAME": f"FILE:{folder}/tickets",
            "KRB5RCACHENAME": "none:",
        }
    )
    kdc.run("kdb5_util", "create", "-s", "-r", REALM, "-P", "only-here")
    with subprocess.Popen(
        [str(PROGRAMS["krb5kdc"]), "-n"],
        env={**os.environ, **kdc.environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            _wait_for(port)
            yield kdc
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the KDC does not listen")
