"""The batch file that runs an installer detached, once, and tells the truth.

Its first act is the claim: creating a folder is atomic, so of two launches one does
nothing. Every result is written under another name first and then renamed, so that
a reader never sees half of it. Plain enough for interpreters other than Microsoft's:
no ``&&``, no ``||``, no block that holds a variable.
"""

from __future__ import annotations

import re

from orchestrator.adapters.winrm.tools import hash_command
from orchestrator.application.ports.hosts import InstallerAction, LaunchOrder

_ARTICLE = re.compile(r"KB\d{5,7}")
_SWITCHES = r'/quiet /norestart /log:"%~dp0claim\install.log"'
_HEAD = """\
@echo off
setlocal
set "ERRORLEVEL="
cd /d "%~dp0"
md claim 2>nul
if errorlevel 1 goto taken
"""
_CHECK = """\
{hash}>claim\\hash.txt
set "SEEN="
for /f "skip=1 delims=" %%H in (claim\\hash.txt) do if not defined SEEN set "SEEN=%%H"
if not defined SEEN goto refuse
set "SEEN=%SEEN: =%"
if /i not "%SEEN%"=="{sha1}" goto refuse
"""
_RUN = """\
{program} {switches}
>claim\\exit.tmp echo %ERRORLEVEL%
ren claim\\exit.tmp exit.txt
goto end
:refuse
>claim\\refused.tmp echo {refusal}
ren claim\\refused.tmp refused.txt
goto end
:taken
if exist claim\\nul goto end
>claim-failed.txt echo the claim could not be created
:end
endlocal
"""


def package_name(sha1: str) -> str:
    """What a package is called on a host: a name that we choose."""
    return f"package-{sha1[:12]}.exe"


def wrapper_text(order: LaunchOrder, hasher: str) -> str:
    """The wrapper of one order. The installer's output is nobody's command line.

    Raises:
        ValueError: an order that names no article or no package: a caller's fault.
    """
    if not _ARTICLE.fullmatch(order.article):
        raise ValueError(f"article {order.article!r}, expected KB and digits")
    if order.action is InstallerAction.UNINSTALL:
        folder = f"%windir%\\$NtUninstall{order.article}$\\spuninst"
        program = f'"{folder}\\spuninst.exe"'
        check = f"if not exist {program} goto refuse\n"
        refusal = "there is no uninstall folder"
    elif order.package is not None:
        program = package_name(order.package.sha1)
        hashing = hash_command(hasher, "tool.vbs", program)
        check = _CHECK.format(hash=hashing, sha1=order.package.sha1)
        refusal = f"the package hashes to %SEEN%, not to {order.package.sha1}"
    else:
        raise ValueError("an installation without a package")
    run = _RUN.format(program=program, switches=_SWITCHES, refusal=refusal)
    return _HEAD + check + run
