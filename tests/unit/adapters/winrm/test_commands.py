"""What is handed to a command interpreter."""

from __future__ import annotations

import hashlib

import pytest

from orchestrator.adapters.winrm.faults import UnreadableError
from orchestrator.adapters.winrm.files import in_command
from orchestrator.adapters.winrm.layout import Layout
from orchestrator.adapters.winrm.tools import base64_lines, hashes, script
from orchestrator.adapters.winrm.wrapper import package_name, wrapper_text
from orchestrator.application.ports.hosts import (
    AttemptFolder,
    InstallerAction,
    LaunchOrder,
)
from tests.integration.winrm.conftest import package_of

PACKAGE = package_of(b"MZ")
ORDER = LaunchOrder(
    AttemptFolder("token-01"), InstallerAction.INSTALL, "KB903927", PACKAGE
)


def test_a_plain_path_needs_no_quotes_which_not_every_host_keeps() -> None:
    path = r"C:\WINDOWS\$NtUninstallKB903927$\spuninst"
    assert in_command(path) == path


@pytest.mark.parametrize("name", ["a&b", "a%b", "a^b", "a|b", 'a"b', "a\nb", "..*"])
def test_what_cmd_would_act_upon_is_refused(name: str) -> None:
    with pytest.raises(UnreadableError):
        in_command(rf"C:\WINDOWS\{name}")


@pytest.mark.parametrize("token", ["short", "UPPER-CASE", "a..\\..\\b-c", "a" * 65])
def test_a_token_that_is_no_safe_name_is_a_fault_of_the_caller(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        Layout("c:\\windows", "orchestrator", token)


@pytest.mark.parametrize("hasher", ["certutil", "cscript"])
@pytest.mark.parametrize("action", list(InstallerAction))
def test_the_wrapper_claims_first_and_leans_on_little(
    hasher: str, action: InstallerAction
) -> None:
    package = PACKAGE if action is InstallerAction.INSTALL else None
    order = LaunchOrder(ORDER.folder, action, ORDER.article, package)
    text = wrapper_text(order, hasher)
    lines = text.splitlines()
    program = next(at for at, line in enumerate(lines) if "/quiet" in line)
    assert lines.index("md claim 2>nul") < program
    assert "&&" not in text
    assert "||" not in text
    assert text.isascii()
    assert "/norestart" in lines[program]
    assert all(switch not in text for switch in ("forcerestart", "nobackup", "close"))
    assert lines[program + 1] == ">claim\\exit.tmp echo %ERRORLEVEL%"


def test_the_wrapper_hashes_right_before_it_runs() -> None:
    lines = wrapper_text(ORDER, "certutil").splitlines()
    program = next(at for at, line in enumerate(lines) if "/quiet" in line)
    assert PACKAGE.sha1 in lines[program - 1]
    assert lines[program].startswith(package_name(PACKAGE.sha1))


def test_an_article_that_is_none_never_reaches_a_batch_file() -> None:
    order = LaunchOrder(ORDER.folder, ORDER.action, "KB1&calc", PACKAGE)
    with pytest.raises(ValueError, match="article"):
        wrapper_text(order, "certutil")


def test_old_and_new_certutil_print_the_same_hash() -> None:
    digest = hashlib.sha1(b"x", usedforsecurity=False).hexdigest()
    spaced = " ".join(digest[at : at + 2] for at in range(0, 40, 2))
    assert hashes(["SHA-1 hash of file x:", spaced, "done"]) == [digest]
    assert hashes(["SHA1-Hash:", digest.upper()]) == [digest]


def test_base64_lines_end_as_windows_ends_them() -> None:
    lines = base64_lines(b"x" * 2000, 1000)
    assert [len(line) for line in lines] == [1002, 1002, 670]
    assert all(line.endswith(b"\r\n") for line in lines)


def test_the_helper_script_has_windows_line_ends_only() -> None:
    assert script().count(b"\n") == script().count(b"\r\n")
