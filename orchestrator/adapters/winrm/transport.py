"""One connection: sealed, bounded in time and size, and never half alive.

pypsrp's own transport reads answers without a bound, decodes them as UTF-8 whatever
they are, takes an unsealed answer on a sealed connection, keeps a security context
that died with its connection, and sleeps for minutes between tries. This one keeps
its sessions, mechanisms and sealing, and replaces the sending.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import requests
from pypsrp._utils import get_hostname
from pypsrp.encryption import WinRMEncryption
from pypsrp.wsman import _TransportHTTP
from typing_extensions import override

from orchestrator.adapters.winrm.bounded import BoundedAdapter
from orchestrator.adapters.winrm.faults import (
    ConnectionLostError,
    HttpStatusError,
    MalformedError,
    NotAdmittedError,
    WsFaultError,
    foreign,
)
from orchestrator.adapters.winrm.limits import WinRmLimits
from orchestrator.adapters.winrm.soap import charset_in, decode_text, fault_of

_SEALED = "multipart/encrypted"
_BOUNDARY = re.compile(r'boundary="?([^";]{1,70})"?')
_HEADER_BYTES = 512
_OK, _UNAUTHORIZED = 200, 401


@dataclass(frozen=True, slots=True)
class Offer:
    """Who we are to a host, and by which mechanism; ``password`` stays out of sight."""

    mechanism: str
    username: str | None
    password: str | None

    @override
    def __repr__(self) -> str:
        """Never the password."""
        return f"Offer({self.mechanism}, {self.username})"


class Transport(_TransportHTTP):
    """Sends one envelope and gives back the text of the answer."""

    def __init__(
        self, host: str, port: int, offer: Offer, *, tls: bool, limits: WinRmLimits
    ) -> None:
        """Nothing is sent yet. Over HTTP messages are always sealed."""
        with foreign():
            super().__init__(
                host,
                port,
                offer.username,
                offer.password,
                ssl=tls,
                path=limits.url_path,
                auth=offer.mechanism,
                encryption="auto" if tls else "always",
                no_proxy=True,
            )
        self._limits = limits
        self._adapter = BoundedAdapter(limits.answer_bytes)

    @override
    def send(
        self,
        message: bytes,
        *,
        retries_on_read_timeout: int = 0,
        timeout: float | tuple[float, float] | None = None,
    ) -> bytes:
        """One envelope there and its answer back, in bounded time.

        Raises:
            WsFaultError: the answer is a SOAP fault.
            ConnectionLostError, NotAdmittedError, TlsError, HttpStatusError,
            MalformedError: no answer that can be believed.
        """
        seconds = timeout if isinstance(timeout, int | float) else self._usual_s()
        with foreign():
            session = self.session or self._open()
            with self._adapter.deadline(seconds + self._limits.request_grace_s):
                if self.wrap_required and self.encryption is None:
                    self._establish(session, seconds)
                return self._post(session, message, seconds).encode()

    def reset(self) -> None:
        """Forget connection and security context; neither lives without the other."""
        if self.session is not None:
            self.session.close()
        self.session, self.encryption = None, None
        self._adapter = BoundedAdapter(self._limits.answer_bytes)

    def _usual_s(self) -> float:
        return self._limits.operation_timeout_s + self._limits.request_grace_s

    def _open(self) -> requests.Session:
        session = self._build_session()
        for scheme in ("http://", "https://"):
            session.get_adapter(scheme).close()
            session.mount(scheme, self._adapter)
        self.session = session
        return session

    def _exchange(
        self, session: requests.Session, request: requests.Request, seconds: float
    ) -> tuple[requests.Response, bytes]:
        answer = session.send(
            session.prepare_request(request),
            timeout=(self._limits.connect_timeout_s, seconds),
            allow_redirects=False,
            stream=True,
        )
        return answer, self._adapter.body_of(answer)

    def _establish(self, session: requests.Session, seconds: float) -> None:
        """Build the security context with an empty message (MS-WSMV 2.2.9.1)."""
        self._adapter.may_connect = True
        empty = requests.Request("POST", self.endpoint)
        answer, _ = self._exchange(session, empty, seconds)
        contexts = getattr(session.auth, "contexts", {})
        context = contexts.get(get_hostname(self.endpoint))
        if context is None:
            raise MalformedError("a service that asks for no credential")
        if answer.status_code == _UNAUTHORIZED or not context.complete:
            raise NotAdmittedError(f"the host refused {self.username} by {self.auth}")
        header = getattr(context, "response_auth_header", "")
        kind = "KERBEROS" if header == "kerberos" else "SPNEGO"
        self.encryption = WinRMEncryption(context, getattr(WinRMEncryption, kind))
        # A sealed message is worth nothing on another connection than its context's.
        self._adapter.may_connect = False

    def _post(self, session: requests.Session, message: bytes, seconds: float) -> str:
        request = requests.Request("POST", self.endpoint, headers={}, data=message)
        if self.encryption is not None:
            kind, request.data = self.encryption.wrap_message(message)
            content = f'{kind};protocol="{self.encryption.protocol}"'
            request.headers["Content-Type"] = f'{content};boundary="Encrypted Boundary"'
            # The context is there; a 401 must end it, not start another one.
            request.auth = lambda prepared: prepared
        else:
            request.headers["Content-Type"] = "application/soap+xml;charset=UTF-8"
        answer, body = self._exchange(session, request, seconds)
        return self._read(answer, body)

    def _read(self, answer: requests.Response, body: bytes) -> str:
        status, header = answer.status_code, answer.headers.get("Content-Type", "")
        if status == _UNAUTHORIZED:
            if self.encryption is not None:
                raise ConnectionLostError("the security context ended", sent=False)
            raise NotAdmittedError(f"the host refused {self.username} by {self.auth}")
        if header.startswith(_SEALED):
            text = self._unseal(body, header)
        elif not self.wrap_required:
            text = decode_text(body, charset_in(header))
        elif status == _OK:
            raise MalformedError("an unsealed answer on a sealed connection")
        else:
            raise HttpStatusError(status)
        if status == _OK:
            return text
        detail = fault_of(text) if text.strip() else None
        raise HttpStatusError(status) if detail is None else WsFaultError(detail)

    def _unseal(self, body: bytes, header: str) -> str:
        boundary = _BOUNDARY.search(header)
        if self.encryption is None or boundary is None:
            raise MalformedError("a sealed answer without a security context")
        inner = self.encryption.unwrap_message(body, boundary[1])
        return decode_text(inner, charset_in(body[:_HEADER_BYTES].decode("latin-1")))
