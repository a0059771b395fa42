"""The remote command shell: Create, Command, Send, Receive, Signal, Delete, Get."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from xml.etree.ElementTree import Element

from orchestrator.lab.machine import CommandOutput
from orchestrator.lab.wsman import soap_faults as faults
from orchestrator.lab.wsman import vocabulary as v
from orchestrator.lab.wsman.answers import element, text
from orchestrator.lab.wsman.envelope import Request, seconds, text_of
from orchestrator.lab.wsman.host import Caller, Host
from orchestrator.lab.wsman.shells import OpenShell, RunningCommand, running
from orchestrator.lab.wsman.soap_faults import SoapFault

POLL_FIRST_S = 0.002
POLL_MOST_S = 0.1
"""How often a waiting Receive looks for output: first and, growing, at most."""

_RECEIVE_ROOM = 3072
"""Octets of a Receive answer that are not stream data."""

_UTF_8 = 65001
_CREATE_OPTIONS = frozenset({"winrs_noprofile", "winrs_codepage"})
_COMMAND_OPTIONS = frozenset({"winrs_consolemode_stdin", "winrs_skip_cmd_shell"})
_RECEIVE_OPTIONS = frozenset({"wsman_cmdshell_option_keepalive"})
_TERMINATE = "terminate"
_SIGNALS = frozenset({_TERMINATE, "ctrl_c", "ctrl_break"})
_STREAMS = frozenset({"stdin", "stdout", "stderr"})


def _check_options(request: Request, known: frozenset[str]) -> None:
    """Unknown options are ignored unless they must be complied with (<50>)."""
    unknown = request.must_comply - known
    if unknown:
        raise SoapFault(
            faults.INVALID_OPTIONS, f"Options not known: {', '.join(sorted(unknown))}"
        )


def _expect(request: Request, local: str) -> Element:
    body = request.body
    if body is None or body.tag != v.name(v.SHELL, local):
        found = "nothing" if body is None else body.tag[:200]
        raise SoapFault(
            faults.SCHEMA_VALIDATION, f"The body holds {found}, not {local}."
        )
    return body


def _shell(host: Host, caller: Caller, request: Request) -> OpenShell:
    shell_id = request.selectors.get("shellid")
    if shell_id is None:
        raise SoapFault(faults.INVALID_SELECTORS, "The selector ShellId is missing.")
    return host.shells.find(shell_id, caller.user)


async def create(host: Host, caller: Caller, request: Request) -> str:
    """Open a shell."""
    _check_options(request, _CREATE_OPTIONS)
    body = _expect(request, "Shell")
    streams = _streams(body)
    code_page = _code_page(request.options)
    host.shells.check_quota(caller.user, caller.shells_elsewhere)
    shell = host.computer.open_shell(
        code_page=code_page,
        working_directory=text_of(body, v.SHELL, "WorkingDirectory") or None,
        environment=_environment(body),
    )
    idle = text_of(body, v.SHELL, "IdleTimeOut") or text_of(
        body, v.SHELL, "IdleTimeout"
    )
    shell_id = host.shells.add(
        shell,
        caller.user,
        streams=streams,
        idle_s=seconds(idle),
        lifetime_s=seconds(text_of(body, v.SHELL, "Lifetime")),
    )
    return _created(host, caller, request, shell_id)


def _streams(body: Element) -> tuple[str, str]:
    given = (
        text_of(body, v.SHELL, "InputStreams"),
        text_of(body, v.SHELL, "OutputStreams"),
    )
    if not set(" ".join(given).split()) <= _STREAMS:
        raise SoapFault(faults.SCHEMA_VALIDATION, "A stream is not known.")
    return given


def _code_page(options: Mapping[str, str]) -> int | None:
    asked = options.get("winrs_codepage")
    if asked is None:
        return None
    if not (asked.isascii() and asked.isdigit() and 0 < int(asked[:6]) <= _UTF_8):
        raise SoapFault(faults.CODE_PAGE, f"Code page {asked[:20]} is not supported.")
    return int(asked)


def _environment(body: Element) -> dict[str, str]:
    path = f"{v.name(v.SHELL, 'Environment')}/{v.name(v.SHELL, 'Variable')}"
    return {each.get("Name", ""): each.text or "" for each in body.findall(path)}


def _created(host: Host, caller: Caller, request: Request, shell_id: str) -> str:
    """1.1 answers with the anonymous address and no description (4.7.1)."""
    first = host.personality.first_shapes
    selector = element("w:Selector", shell_id, {"Name": "ShellId"})
    reference = element(
        "x:ResourceCreated",
        element("a:Address", v.ANONYMOUS)
        + element(
            "a:ReferenceParameters",
            element("w:ResourceURI", text(request.resource))
            + element("w:SelectorSet", selector),
        ),
    )
    if first:
        return reference
    held = host.shells.find(shell_id, caller.user)
    return reference + _description(held, caller, request.resource, shell_id)


def _description(held: OpenShell, caller: Caller, resource: str, shell_id: str) -> str:
    fields = {
        "ShellId": shell_id,
        "ResourceUri": resource,
        "Owner": caller.user,
        "ClientIP": caller.address,
        "IdleTimeOut": f"PT{held.idle_s:.3f}S",
        "InputStreams": held.streams[0],
        "OutputStreams": held.streams[1],
    }
    return element(
        "rsp:Shell",
        "".join(element(f"rsp:{key}", text(value)) for key, value in fields.items()),
    )


async def get(host: Host, caller: Caller, request: Request) -> str:
    """Describe a shell; 1.1 tells only its id and streams (<104>)."""
    if request.fragment:
        raise SoapFault(faults.UNSUPPORTED_FEATURE, "A shell has no fragments.")
    held = _shell(host, caller, request)
    shell_id = request.selectors["shellid"]
    if not host.personality.first_shapes:
        return _description(held, caller, v.COMMAND_SHELL, shell_id)
    return element(
        "rsp:Shell",
        element("rsp:ShellId", text(shell_id))
        + element("rsp:InputStreams", text(held.streams[0]))
        + element("rsp:OutputStreams", text(held.streams[1])),
    )


async def command(host: Host, caller: Caller, request: Request) -> str:
    """Start a command."""
    _check_options(request, _COMMAND_OPTIONS)
    held = _shell(host, caller, request)
    body = _expect(request, "CommandLine")
    line = text_of(body, v.SHELL, "Command")
    if not line:
        raise SoapFault(faults.SCHEMA_VALIDATION, "Command is missing or empty.")
    arguments = [each.text or "" for each in body.findall(v.name(v.SHELL, "Arguments"))]
    skip = request.options.get("winrs_skip_cmd_shell", "").lower() in {"true", "1"}
    command_id = host.shells.start(held, line, arguments, skip=skip)
    return element("rsp:CommandResponse", element("rsp:CommandId", command_id))


async def send(host: Host, caller: Caller, request: Request) -> str:
    """Feed standard input."""
    held = _shell(host, caller, request)
    for stream in _expect(request, "Send").findall(v.name(v.SHELL, "Stream")):
        if stream.get("Name") != "stdin":
            raise SoapFault(faults.SCHEMA_VALIDATION, "Send takes only stdin.")
        target = running(held, stream.get("CommandId", ""))
        end = stream.get("End", "").lower() in {"true", "1"}
        target.command.write(_decoded(stream.text or ""), end=end)
    return element("rsp:SendResponse")


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SoapFault(faults.SCHEMA_VALIDATION, "Stream is not base64.") from error


async def receive(host: Host, caller: Caller, request: Request) -> str:
    """Wait for output or the end of a command, at most the operation timeout."""
    _check_options(request, _RECEIVE_OPTIONS)
    held = _shell(host, caller, request)
    wanted = _expect(request, "Receive").find(v.name(v.SHELL, "DesiredStream"))
    if wanted is None:
        raise SoapFault(faults.SCHEMA_VALIDATION, "DesiredStream is missing.")
    if "wsman_cmdshell_option_keepalive" in request.options:
        held.idle_counts = True
    command_id = wanted.get("CommandId", "").upper()
    target = running(held, command_id)
    found = await _wait(host, held, target, request)
    return _received(command_id, found)


async def _wait(
    host: Host, held: OpenShell, target: RunningCommand, request: Request
) -> CommandOutput:
    limit = (request.max_envelope - _RECEIVE_ROOM) * 3 // 4
    deadline = host.clock() + request.timeout_s
    pause = POLL_FIRST_S
    while True:
        found = target.read(host.clock(), limit)
        if found.stdout or found.stderr or found.done:
            return found
        left = deadline - host.clock()
        if left <= 0:
            raise SoapFault(faults.TIMED_OUT)
        await asyncio.sleep(min(pause, left))
        held.last_used = host.clock()
        pause = min(pause * 2, POLL_MOST_S)


def _received(command_id: str, found: CommandOutput) -> str:
    blocks = "".join(
        _stream(name, command_id, data)
        for name, data in (("stdout", found.stdout), ("stderr", found.stderr))
        if data
    )
    if found.done:
        # Both streams always end with a mark of their own (<122>).
        blocks += _stream("stdout", command_id) + _stream("stderr", command_id)
    return element(
        "rsp:ReceiveResponse", blocks + _state(command_id, found), {"SequenceId": "0"}
    )


def _stream(name: str, command_id: str, data: bytes | None = None) -> str:
    marks = {"Name": name, "CommandId": command_id}
    if data is None:
        return element("rsp:Stream", "", {**marks, "End": "true"})
    return element("rsp:Stream", base64.b64encode(data).decode(), marks)


def _state(command_id: str, found: CommandOutput) -> str:
    name = "Done" if found.done else "Running"
    code = (
        element("rsp:ExitCode", str(found.exit_code))
        if found.done and found.exit_code is not None
        else ""
    )
    marks = {"CommandId": command_id, "State": f"{v.SHELL}/CommandState/{name}"}
    return element("rsp:CommandState", code, marks)


async def signal(host: Host, caller: Caller, request: Request) -> str:
    """End a command; Terminate also frees the shell for the next one."""
    held = _shell(host, caller, request)
    body = _expect(request, "Signal")
    code = text_of(body, v.SHELL, "Code").rpartition("/")[2].lower()
    if code not in _SIGNALS:
        raise SoapFault(faults.UNSUPPORTED_FEATURE, "The signal is not supported.")
    command_id = body.get("CommandId", "").upper()
    running(held, command_id).command.terminate()
    if code == _TERMINATE:
        del held.commands[command_id]
    return element("rsp:SignalResponse")


async def delete(host: Host, caller: Caller, request: Request) -> str:
    """Close a shell and what runs in it."""
    _shell(host, caller, request)
    host.shells.delete(request.selectors["shellid"], caller.user)
    return ""
