"""What differs by the language of the system: numbers, code pages, account names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ADMINISTRATORS, USERS, POWER_USERS = "S-1-5-32-544", "S-1-5-32-545", "S-1-5-32-547"
SYSTEM, EVERYONE, CREATOR_OWNER = "S-1-5-18", "S-1-1-0", "S-1-3-0"
AUTHENTICATED = "S-1-5-11"


@dataclass(frozen=True, slots=True)
class Language:
    """One language of Windows; code pages as text, as WMI gives them."""

    code: str
    lcid: int
    country: str
    ansi: str = "1252"
    oem: int = 850
    #: Local names of well-known accounts, by SID; others keep the English name.
    names: Mapping[str, str] | None = None
    #: The authority that stands before the names of built-in accounts.
    authority: str = "NT AUTHORITY"
    builtin: str = "BUILTIN"


ENGLISH_NAMES: Mapping[str, str] = {
    ADMINISTRATORS: "Administrators",
    USERS: "Users",
    POWER_USERS: "Power Users",
    SYSTEM: "SYSTEM",
    EVERYONE: "Everyone",
    CREATOR_OWNER: "CREATOR OWNER",
    AUTHENTICATED: "Authenticated Users",
}

LANGUAGES: Mapping[str, Language] = {
    one.code: one
    for one in (
        Language("ENU", 1033, "1", oem=437),
        Language(
            *("DEU", 1031, "49"),
            names={
                ADMINISTRATORS: "Administratoren",
                USERS: "Benutzer",
                POWER_USERS: "Hauptbenutzer",
                EVERYONE: "Jeder",
                CREATOR_OWNER: "ERSTELLER-BESITZER",
                AUTHENTICATED: "Authentifizierte Benutzer",
            },
            authority="NT-AUTORITÄT",
            builtin="VORDEFINIERT",
        ),
        Language(
            *("FRA", 1036, "33"),
            names={
                ADMINISTRATORS: "Administrateurs",
                USERS: "Utilisateurs",
                SYSTEM: "SYSTEM",
                EVERYONE: "Tout le monde",
                CREATOR_OWNER: "CREATEUR PROPRIETAIRE",
            },
            authority="AUTORITE NT",
        ),
        Language(
            *("ESN", 3082, "34"),
            names={ADMINISTRATORS: "Administradores", EVERYONE: "Todos"},
        ),
        Language("JPN", 1041, "81", ansi="932", oem=932),
    )
}


def account_name(language: Language, sid: str) -> str | None:
    """A well-known account's name on a system of this language."""
    return (language.names or {}).get(sid) or ENGLISH_NAMES.get(sid)


def authority_of(language: Language, sid: str) -> str:
    """The domain part that stands before a well-known account's name."""
    if sid.startswith("S-1-5-32-"):
        return language.builtin
    return language.authority if sid.startswith("S-1-5-") else ""
