"""Where an attempt lives on a host, and what its files are called."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"[a-z0-9-]{8,64}")


@dataclass(frozen=True, slots=True)
class Layout:
    r"""Paths of one attempt: ``%windir%\<root>\<token>``.

    The claim is a folder, since creating one is atomic; what the wrapper finds out is
    written into it, so that it outlives the clean-up.
    """

    windows: str
    root_name: str
    token: str

    def __post_init__(self) -> None:
        """Refuse a token that is no safe name: a fault of the caller."""
        if not _TOKEN.fullmatch(self.token):
            raise ValueError(f"token {self.token!r}, expected 8 to 64 of a-z 0-9 -")

    @property
    def root(self) -> str:
        """The folder of all attempts."""
        return rf"{self.windows}\{self.root_name}"

    @property
    def folder(self) -> str:
        """The attempt's own folder."""
        return rf"{self.root}\{self.token}"

    def at(self, name: str) -> str:
        """A file of the attempt."""
        return rf"{self.folder}\{name}"

    @property
    def wrapper(self) -> str:
        """The batch file that runs the installer."""
        return self.at("run.cmd")

    @property
    def claim(self) -> str:
        """Exists once the attempt is taken."""
        return self.at("claim")

    @property
    def exit_file(self) -> str:
        """The installer's full exit code as text."""
        return rf"{self.claim}\exit.txt"

    @property
    def refusal_file(self) -> str:
        """Why the wrapper ran nothing."""
        return rf"{self.claim}\refused.txt"

    @property
    def settler_file(self) -> str:
        """Marks a claim that a settler took: no wrapper ran under it."""
        return rf"{self.claim}\settler.txt"

    @property
    def unclaimed_file(self) -> str:
        """Written where the wrapper could not even claim."""
        return self.at("claim-failed.txt")

    @property
    def log(self) -> str:
        """The installer's own log of this attempt."""
        return rf"{self.claim}\install.log"
