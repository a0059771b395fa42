"""net and sc, as far as they speak of services.

Texts and codes are those of the programs' public documentation, in our words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from orchestrator.lab.windows.cmd.ports import Invocation, Program
from orchestrator.lab.windows.cmd.streams import Routine
from orchestrator.lab.windows.host import Host
from orchestrator.lab.windows.services import Answer, Service, State

NO_SUCH_SERVICE, NET_ERROR = 1060, 2
POLL_SECONDS, WAIT_SECONDS = 0.5, 120.0
"""How often net looks at a service that is on its way, and how long."""

SC_SECONDS = 0.05
"""How long a call of the service manager takes."""

_STATES: Mapping[State, tuple[int, str]] = {
    State.STOPPED: (1, "STOPPED"),
    State.STARTING: (2, "START_PENDING"),
    State.STOPPING: (3, "STOP_PENDING"),
    State.RUNNING: (4, "RUNNING"),
}
_WIN32: Mapping[Answer, int] = {
    Answer.DONE: 0,
    Answer.DEPENDENTS_RUNNING: 1051,
    Answer.NOT_ACCEPTED: 1061,
    Answer.NOT_ACTIVE: 1062,
    Answer.ALREADY_RUNNING: 1056,
    Answer.DEPENDENCY_FAILED: 1068,
    Answer.DISABLED: 1058,
}


def _named(host: Host, name: str) -> Service | None:
    titled = (one for one in host.services if one.title.lower() == name.lower())
    return host.services.find(name) or next(titled, None)


def _words(run: Invocation) -> list[str]:
    return [word.strip('"') for word in run.tail.split()]


def net(host: Host) -> Program:
    """``net start`` lists or starts, ``net stop`` stops; both wait for the end."""

    def program(run: Invocation) -> Routine:
        verb, _, rest = run.tail.strip().partition(" ")
        name = rest.strip().removesuffix("/y").strip().strip('"')
        if verb.lower() == "start" and not name:
            running = [one for one in host.services if one.state is State.RUNNING]
            lines = "".join(f"   {one.title}\r\n" for one in running)
            run.print(f"These Windows services are started:\r\n\r\n{lines}\r\n")
            return 0
        service = _named(host, name)
        if verb.lower() not in ("start", "stop") or service is None:
            run.complain("The service name is invalid.\r\n")
            return NET_ERROR
        starting = verb.lower() == "start"
        act = host.services.start if starting else host.services.stop
        return (yield _carry_out(run, service, act, starting=starting))

    return program


def _carry_out(
    run: Invocation,
    service: Service,
    act: Callable[[Service], Answer],
    *,
    starting: bool,
) -> Routine:
    answer = act(service)
    if answer is not Answer.DONE:
        run.complain(f"System error {_WIN32[answer]} has occurred.\r\n")
        return NET_ERROR
    word = "starting" if starting else "stopping"
    run.print(f"The {service.title} service is {word}.\r\n")
    moving = State.STARTING if starting else State.STOPPING
    waited = 0.0
    while service.state is moving and waited < WAIT_SECONDS:
        yield run.executor.pause(POLL_SECONDS)
        waited += POLL_SECONDS
    if service.state is not (State.RUNNING if starting else State.STOPPED):
        run.complain(f"The {service.title} service could not be moved.\r\n")
        return NET_ERROR
    done = "started" if starting else "stopped"
    run.print(f"The {service.title} service was {done} successfully.\r\n")
    return 0


def sc(host: Host) -> Program:
    """``sc query|start|stop NAME``; start and stop return at once."""

    def program(run: Invocation) -> Routine:
        yield run.executor.pause(SC_SECONDS)
        words = _words(run)
        if len(words) < 2:  # noqa: PLR2004 -- a verb and a name
            run.print("USAGE: sc [query|start|stop] NAME\r\n")
            return 0
        service = host.services.find(words[1])
        if service is None:
            run.print(f"[SC] OpenService FAILED {NO_SUCH_SERVICE}\r\n")
            return NO_SUCH_SERVICE
        verbs = {"start": host.services.start, "stop": host.services.stop}
        act = verbs.get(words[0].lower())
        code = _WIN32[act(service)] if act else 0
        if code:
            run.print(f"[SC] {words[0].upper()} FAILED {code}\r\n")
        else:
            run.print(_status(service))
        return code

    return program


def _status(service: Service) -> str:
    number, word = _STATES[service.state]
    kind = "20  WIN32_SHARE_PROCESS" if service.shared else "10  WIN32_OWN_PROCESS"
    return (
        f"\r\nSERVICE_NAME: {service.name}\r\n"
        f"        TYPE               : {kind}\r\n"
        f"        STATE              : {number}  {word}\r\n"
        f"        WIN32_EXIT_CODE    : {service.exit_code}\r\n"
        f"        SERVICE_EXIT_CODE  : {service.specific_code}\r\n"
        "        CHECKPOINT         : 0x0\r\n"
        "        WAIT_HINT          : 0x0\r\n"
    )
