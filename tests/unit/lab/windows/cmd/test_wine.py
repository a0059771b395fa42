"""The same batch files in another program's cmd: run by hand, with ``LAB_WITNESS=1``.

It takes seconds, and wine under load sometimes starts nothing, so it is no gate.

Wine is a witness, not the judge: where it is known to differ from Windows (a digit
before ``>``, ``&&`` with ``||``, ``set`` in a pipe, ERRORLEVEL after success), there
is no case here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.lab.windows.cmd.machine import Machine

WINE = shutil.which("wine")
SECONDS = 100

CASES = [
    'echo a^&b "c^&d" ^^ [%1] [%~2] [%*]',
    "set X=abcdef\necho [%X:~1,3%] [%X:~-2%] [%X:bc=ZZ%] [%X:~0,-2%] [%X:~9%]",
    'if 10 gtr 9 (echo num) else echo str\nif "10" gtr "9" (echo num) else echo str',
    "for %%i in (1 2,3;4) do echo %%i\nfor /l %%i in (5,-2,1) do echo %%i",
    'for /f "tokens=1*" %%a in ("one two three") do echo [%%a] [%%b]',
    'call :s a "b c"\necho back %errorlevel%\ngoto :eof\n:s\necho %0 %~2\nexit /b 3',
    "md a\nmd a 2>nul\necho %errorlevel%",
    "type no 2>nul\necho %errorlevel%\ndel no 2>nul\necho %errorlevel%",
    "nosuch 2>nul\necho %errorlevel%",
    "cmd /c exit -3\necho %errorlevel%\nif errorlevel 0 echo pos",
    "set /a x=5+3*2, y=x%%4\necho %x% %y%\nset /a x=-7/2\necho %x%",
    "setlocal enabledelayedexpansion\nset Q=1\n(set Q=2\necho %Q% !Q!)",
    "if 1==2 (echo a) else (echo c) & echo b\nif 1==2 echo a & echo b",
    "ver >nul && ren f3.txt g.txt && dir /b *.txt",
    "md b\\c\\d\nif exist b\\c\\d echo deep",
]


def write(path: Path, text: str) -> None:
    path.write_bytes(text.replace("\n", "\r\n").encode("cp437"))


@pytest.fixture(scope="module")
def witness(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where wine has run every case, each in a folder of its own."""
    folder = tmp_path_factory.mktemp("wine")
    driver = ["@echo off"]
    for number, text in enumerate(CASES):
        (folder / str(number)).mkdir()
        write(folder / f"{number}/test.cmd", f"@echo off\n{text}\n")
        write(folder / f"{number}/f3.txt", "x\n")
        driver += [f"cd {number}", "cmd /c test.cmd a b>out"]
        driver += [">code echo %errorlevel%", "cd .."]
    write(folder / "driver.cmd", "\n".join(driver) + "\n")
    try:
        subprocess.run(
            [str(WINE), "cmd", "/c", "driver.cmd"],
            cwd=folder,
            env={**os.environ, "WINEDEBUG": "-all"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip("wine did not answer in time")
    return folder


@pytest.mark.slow
@pytest.mark.skipif(
    WINE is None or "LAB_WITNESS" not in os.environ,
    reason="needs wine, and LAB_WITNESS=1 in the environment",
)
@pytest.mark.parametrize("number", range(len(CASES)))
def test_another_interpreter_prints_and_ends_the_same(
    number: int, witness: Path
) -> None:
    machine = Machine()
    machine.put("f3.txt", "x\n")
    ours = machine.batch(CASES[number], "a b")
    theirs = (witness / f"{number}/out").read_bytes().decode("cp437")
    code = int((witness / f"{number}/code").read_text())
    assert (ours.out.rstrip(), ours.code) == (theirs.rstrip(), code)
