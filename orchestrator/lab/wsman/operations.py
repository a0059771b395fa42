"""The table of operations: what each action does on each kind of resource."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from orchestrator.lab.wsman import answers, cmd_shell, config, envelope, wmi
from orchestrator.lab.wsman import soap_faults as faults
from orchestrator.lab.wsman import vocabulary as v
from orchestrator.lab.wsman.envelope import Request
from orchestrator.lab.wsman.host import Caller, Host
from orchestrator.lab.wsman.soap_faults import SoapFault

_log = logging.getLogger(__name__)

HTTP_OK = 200
HTTP_FAULT = 500

Operation: TypeAlias = Callable[[Host, Caller, Request], Awaitable[str]]


class Resource(StrEnum):
    """The kinds of resource that the service knows."""

    WMI = "wmi"
    COMMAND_SHELL = "shell/cmd"
    SHELLS = "shell"
    CONFIG = "config"


OPERATIONS: Mapping[tuple[Resource, str], Operation] = {
    (Resource.WMI, v.GET): wmi.get,
    (Resource.WMI, v.ENUMERATE): wmi.enumerate_,
    (Resource.WMI, v.PULL): wmi.pull,
    (Resource.WMI, v.RELEASE): wmi.release,
    (Resource.COMMAND_SHELL, v.CREATE): cmd_shell.create,
    (Resource.COMMAND_SHELL, v.COMMAND): cmd_shell.command,
    (Resource.COMMAND_SHELL, v.SEND): cmd_shell.send,
    (Resource.COMMAND_SHELL, v.RECEIVE): cmd_shell.receive,
    (Resource.COMMAND_SHELL, v.SIGNAL): cmd_shell.signal,
    (Resource.COMMAND_SHELL, v.DELETE): cmd_shell.delete,
    (Resource.CONFIG, v.GET): config.get,
}
"""Methods of WMI classes and Get on shells are decided in :func:`find`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: an HTTP status, a SOAP message, and what was asked."""

    status: int
    message: bytes
    action: str = ""
    resource: str = ""


def classify(uri: str) -> Resource | None:
    """The kind of a resource URI, or ``None`` where there is nothing."""
    lowered = uri.lower()
    if lowered.startswith(v.WMI + "root/"):
        return Resource.WMI
    return {
        v.COMMAND_SHELL: Resource.COMMAND_SHELL,
        v.SHELL: Resource.SHELLS,
        v.CONFIG: Resource.CONFIG,
    }.get(lowered)


def find(host: Host, request: Request) -> Operation:
    """The operation that a request asks for.

    Raises:
        SoapFault: no such resource, or not this action on it.
    """
    kind = classify(request.resource)
    if kind is None:
        raise SoapFault(faults.INVALID_RESOURCE_URI)
    # Get on a shell moved from shell/cmd to shell with 2.0 (<103>).
    described = (
        Resource.COMMAND_SHELL if host.personality.first_shapes else Resource.SHELLS
    )
    if kind is described and request.action == v.GET:
        return cmd_shell.get
    if kind is Resource.WMI and request.action.startswith(request.resource + "/"):
        return wmi.invoke
    found = OPERATIONS.get((kind, request.action))
    if found is None:
        raise SoapFault(
            faults.ACTION_NOT_SUPPORTED, f"Not on this resource: {request.action[:200]}"
        )
    return found


async def answer(host: Host, caller: Caller, message: bytes) -> Answer:
    """Serve one SOAP message of an authenticated client. Never raises."""
    related = ""
    try:
        root = envelope.read_xml(message)
        if envelope.is_identify(root):
            return _identify(host)
        related = envelope.message_id(root)
        request = envelope.read_request(root, host.personality)
        return await _perform(host, caller, request)
    except SoapFault as problem:
        return _refuse(problem, related, host)
    except Exception:  # noqa: BLE001 - one computer's bug must not end the others
        _log.exception("a simulated computer failed")
        return _refuse(SoapFault(faults.INTERNAL_ERROR), related, host)


def _refuse(problem: SoapFault, related: str, host: Host) -> Answer:
    return Answer(HTTP_FAULT, answers.fault(problem, related, host.personality))


def _identify(host: Host) -> Answer:
    if not host.personality.speaks_dmtf:
        return _refuse(SoapFault(faults.ACTION_NOT_SUPPORTED), "", host)
    version, service_pack = host.computer.identity()
    message = answers.identify(host.personality.stack, version, service_pack)
    return Answer(HTTP_OK, message, "Identify")


def identify_masked(host: Host, message: bytes) -> Answer:
    """Answer a client that has not said who it is (<72>). Never raises."""
    try:
        if envelope.is_identify(envelope.read_xml(message)):
            masked = answers.identify(host.personality.stack, "0.0.0", "0.0")
            return Answer(HTTP_OK, masked, "Identify")
    except SoapFault as problem:
        return _refuse(problem, "", host)
    return _refuse(SoapFault(faults.ACCESS_DENIED), "", host)


async def _perform(host: Host, caller: Caller, request: Request) -> Answer:
    try:
        body = await _admitted(host, caller, request)
        message = _within(request, body)
    except SoapFault as problem:
        message = answers.fault(problem, request.message_id, host.personality)
        return Answer(HTTP_FAULT, message, request.action, request.resource)
    return Answer(HTTP_OK, message, request.action, request.resource)


async def _admitted(host: Host, caller: Caller, request: Request) -> str:
    operation = find(host, request)
    if caller.chunked and classify(request.resource) is Resource.COMMAND_SHELL:
        raise SoapFault(faults.CHUNKED)
    if host.active_requests >= host.personality.max_connections:
        raise SoapFault(faults.INTERNAL_ERROR, "Too many requests at once.")
    host.active_requests += 1
    try:
        return await operation(host, caller, request)
    finally:
        host.active_requests -= 1


def _within(request: Request, body: str) -> bytes:
    action = request.action + "Response"
    message = answers.envelope(action, request.message_id, body)
    if len(message) > request.max_envelope:
        raise SoapFault(faults.RESPONSE_TOO_LARGE)
    return message
