"""NTLM with sealing by another implementation: Debian's gss-ntlmssp through GSSAPI.

pypsrp and pywinrm share their cryptography with the lab's acceptor; this client
shares nothing with it.
"""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest
import requests

from orchestrator.lab.wsman import Listener
from tests.integration.lab_wsman import soap
from tests.integration.lab_wsman.fake_computer import PASSWORD

NTLM = "1.3.6.1.4.1.311.2.2.10"
SIGNATURE_BYTES = 16
_SEALED = (
    "--Encrypted Boundary\r\n"
    "\tContent-Type: application/HTTP-SPNEGO-session-encrypted\r\n"
    "\tOriginalContent: type=application/soap+xml;charset=UTF-8;Length={length}\r\n"
    "--Encrypted Boundary\r\n"
    "\tContent-Type: application/octet-stream\r\n"
)
_KIND = (
    'multipart/encrypted;protocol="application/HTTP-SPNEGO-session-encrypted"'
    ';boundary="Encrypted Boundary"'
)


@pytest.fixture
def context() -> Any:
    """A fresh NTLM context of gss-ntlmssp."""
    gssapi = pytest.importorskip(
        "gssapi", reason="the extra 'kerberos', which brings python-gssapi, is missing"
    )
    mech = gssapi.OID.from_int_seq(NTLM)
    if mech not in gssapi.raw.indicate_mechs():
        pytest.skip("GSSAPI knows no NTLM here (gss-ntlmssp)")
    name = gssapi.Name(r"LAB\operator", gssapi.NameType.user)
    had = gssapi.raw.acquire_cred_with_password(
        name, PASSWORD.encode(), mechs=[mech], usage="initiate"
    )
    flag = gssapi.RequirementFlag
    return gssapi.SecurityContext(
        name=gssapi.Name("host@lab", gssapi.NameType.hostbased_service),
        creds=gssapi.Credentials(base=had.creds),
        mech=mech,
        flags=flag.confidentiality | flag.integrity | flag.mutual_authentication,
        usage="initiate",
    )


def authenticate(session: requests.Session, url: str, context: Any) -> int:
    """The 401 dance; the last status."""
    token, status = context.step(), 401
    for _ in range(3):
        answer = session.post(
            url,
            headers={"Authorization": f"Negotiate {base64.b64encode(token).decode()}"},
            timeout=5,
        )
        status = answer.status_code
        _, _, challenge = answer.headers.get("WWW-Authenticate", "").partition(" ")
        if status != 401 or not challenge:
            break
        token = context.step(base64.b64decode(challenge))
    return status


def sealed(context: Any, message: bytes) -> bytes:
    wrapped: bytes = context.wrap(message, encrypt=True).message
    length = struct.pack("<I", SIGNATURE_BYTES)
    head = _SEALED.format(length=len(message)).encode()
    return head + length + wrapped + b"--Encrypted Boundary--\r\n"


def unsealed(context: Any, body: bytes) -> bytes:
    _, _, rest = body.partition(b"application/octet-stream\r\n")
    wrapped = rest[4:].removesuffix(b"--Encrypted Boundary--\r\n")
    message: bytes = context.unwrap(wrapped).message
    return message


def test_another_implementation_of_ntlm_is_let_in_and_understood(
    listener: Listener, context: Any
) -> None:
    with requests.Session() as session:
        assert authenticate(session, listener.url, context) == 200
        for _ in range(2):  # the second message needs the ciphers' going state
            answer = session.post(
                listener.url,
                data=sealed(context, soap.IDENTIFY),
                headers={"Content-Type": _KIND},
                timeout=5,
            )
            assert answer.status_code == 200
            text = unsealed(context, answer.content).decode()
            assert "OS: 5.2.3790 SP: 1.0 Stack: 1.1" in text
