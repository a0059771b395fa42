from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.lab.windows.filesystem import Attribute, FileSystem
from orchestrator.lab.windows.paths import FileError, Win32, full_path, wildcard
from orchestrator.lab.windows.security import (
    ADMINISTRATORS,
    BOTH,
    CREATOR_OWNER,
    EVERYONE,
    FULL,
    READ,
    SYSTEM,
    USERS,
    Ace,
    AceFlag,
    AceType,
    SecurityDescriptor,
    allow,
    from_sddl,
    to_sddl,
)

START = datetime(2026, 11, 24, tzinfo=UTC)


class Ticking:
    """A clock that goes on by a second each time it is read."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


@pytest.fixture
def files() -> FileSystem:
    made = FileSystem(Ticking(), free=1000)
    made.put("C:\\Dir\\File.TXT", b"12345")
    return made


def code_of(caught: pytest.ExceptionInfo[FileError]) -> Win32:
    return caught.value.code


def test_names_are_found_in_any_case_and_kept_as_they_were_made(
    files: FileSystem,
) -> None:
    assert files.read("c:\\DIR\\file.txt") == b"12345"
    assert files.true_path("c:\\DIR\\file.txt") == "C:\\Dir\\File.TXT"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("C:\\Dir\\none", Win32.FILE_NOT_FOUND),
        ("C:\\none\\none", Win32.PATH_NOT_FOUND),
        ("C:\\Dir\\File.TXT\\x", Win32.PATH_NOT_FOUND),
        ("Q:\\x", Win32.PATH_NOT_FOUND),
        ("C:\\a|b", Win32.INVALID_NAME),
        ("\\\\srv\\none\\x", Win32.BAD_NET_PATH),
        ("C:\\Dir", Win32.ACCESS_DENIED),
    ],
)
def test_reading_fails_with_the_systems_code(
    files: FileSystem, path: str, code: Win32
) -> None:
    with pytest.raises(FileError) as caught:
        files.read(path)
    assert code_of(caught) is code


def test_a_folder_is_made_once(files: FileSystem) -> None:
    files.make_folder("C:\\new")
    with pytest.raises(FileError) as caught:
        files.make_folder("c:\\NEW")
    assert code_of(caught) is Win32.ALREADY_EXISTS


def test_a_folder_with_content_is_not_removed(files: FileSystem) -> None:
    with pytest.raises(FileError) as caught:
        files.remove_folder("C:\\Dir")
    assert code_of(caught) is Win32.DIR_NOT_EMPTY
    files.remove_tree("C:\\Dir")
    assert not files.exists("C:\\Dir")


def test_space_is_taken_and_given_back(files: FileSystem) -> None:
    assert files.free_bytes == 995
    files.write("C:\\Dir\\File.TXT", b"1")
    assert files.free_bytes == 999
    files.delete("C:\\Dir\\File.TXT")
    assert files.free_bytes == 1000


def test_a_full_disk_leaves_the_old_content(files: FileSystem) -> None:
    with pytest.raises(FileError) as caught:
        files.write("C:\\Dir\\File.TXT", bytes(1001))
    assert code_of(caught) is Win32.DISK_FULL
    assert files.read("C:\\Dir\\File.TXT") == b"12345"


def test_writing_moves_the_modified_time_and_keeps_the_created_one(
    files: FileSystem,
) -> None:
    node = files.node("C:\\Dir\\File.TXT")
    created, modified = node.created, node.modified
    files.write("C:\\Dir\\File.TXT", b"x")
    assert node.created == created
    assert node.modified > modified


def test_renaming_keeps_times_and_security_and_refuses_what_is_there(
    files: FileSystem,
) -> None:
    node = files.node("C:\\Dir\\File.TXT")
    files.rename("C:\\Dir\\File.TXT", "C:\\Dir\\b")
    assert files.node("C:\\Dir\\b") is node
    files.put("C:\\Dir\\c")
    with pytest.raises(FileError) as caught:
        files.rename("C:\\Dir\\b", "C:\\Dir\\c")
    assert code_of(caught) is Win32.ALREADY_EXISTS


def test_a_folder_cannot_be_moved_into_itself(files: FileSystem) -> None:
    with pytest.raises(FileError) as caught:
        files.rename("C:\\Dir", "C:\\Dir\\sub")
    assert code_of(caught) is Win32.ACCESS_DENIED


def test_another_volume_needs_a_copy(files: FileSystem) -> None:
    files.add_volume("D:")
    with pytest.raises(FileError) as caught:
        files.rename("C:\\Dir\\File.TXT", "D:\\x")
    assert code_of(caught) is Win32.NOT_SAME_DEVICE


def test_a_read_only_file_is_neither_written_nor_deleted(files: FileSystem) -> None:
    files.node("C:\\Dir\\File.TXT").attributes |= Attribute.READ_ONLY
    for action in (
        lambda: files.write("C:\\Dir\\File.TXT", b""),
        lambda: files.delete("C:\\Dir\\File.TXT"),
    ):
        with pytest.raises(FileError) as caught:
            action()
        assert code_of(caught) is Win32.ACCESS_DENIED


def test_a_mapped_file_may_only_be_renamed() -> None:
    files = FileSystem(lambda: START, in_use=lambda path: path.endswith(".dll"))
    files.put("C:\\x.dll", b"old")
    with pytest.raises(FileError) as caught:
        files.write("C:\\x.dll", b"new")
    assert code_of(caught) is Win32.SHARING_VIOLATION
    with pytest.raises(FileError) as caught:
        files.delete("C:\\x.dll")
    assert code_of(caught) is Win32.ACCESS_DENIED
    files.rename("C:\\x.dll", "C:\\x.old")


def test_device_names_are_no_file_names(files: FileSystem) -> None:
    with pytest.raises(FileError) as caught:
        files.write("C:\\Dir\\nul.txt", b"")
    assert code_of(caught) is Win32.INVALID_NAME


def test_something_new_inherits_from_its_folder(files: FileSystem) -> None:
    folder = files.make_folder("C:\\own")
    folder.security = SecurityDescriptor(
        ADMINISTRATORS,
        (
            allow(SYSTEM),
            allow(USERS, READ, AceFlag.OBJECT_INHERIT),
            allow(CREATOR_OWNER, FULL, BOTH | AceFlag.INHERIT_ONLY),
            allow(EVERYONE, READ, AceFlag(0)),
            allow(ADMINISTRATORS),
        ),
        protected=True,
    )
    inherited = AceFlag.INHERITED
    file = files.write("C:\\own\\f", b"").security
    assert file.dacl == (
        allow(SYSTEM, FULL, inherited),
        allow(USERS, READ, inherited),
        allow(ADMINISTRATORS, FULL, inherited),
        allow(ADMINISTRATORS, FULL, inherited),
    )
    below = files.make_folder("C:\\own\\d").security
    only = AceFlag.OBJECT_INHERIT | AceFlag.INHERIT_ONLY | inherited
    assert allow(USERS, READ, only) in below.dacl
    assert allow(CREATOR_OWNER, FULL, BOTH | AceFlag.INHERIT_ONLY | inherited) in (
        below.dacl
    )
    assert all(ace.sid != EVERYONE for ace in below.dacl)


def test_a_denying_entry_before_a_granting_one_wins() -> None:
    deny = Ace(AceType.DENY, AceFlag(0), READ, USERS)
    token = frozenset({USERS, ADMINISTRATORS})
    assert not SecurityDescriptor(SYSTEM, (deny, allow(ADMINISTRATORS))).grants(
        token, 1
    )
    assert SecurityDescriptor(SYSTEM, (allow(ADMINISTRATORS), deny)).grants(token, 1)


@pytest.mark.parametrize(
    "text", ["", "x", "D:(A)", "D:(A;XX;FA;;;BA)", "D:(A;;FA;;;zz)"]
)
def test_what_is_no_sddl_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no access|unknown"):
        from_sddl(text)


SIDS = st.sampled_from([SYSTEM, ADMINISTRATORS, USERS, "S-1-5-21-1-2-3-500"])
FLAGS = st.integers(0, 31).map(AceFlag)
ACES = st.builds(Ace, st.sampled_from(AceType), FLAGS, st.integers(0, FULL), SIDS)


@given(st.lists(ACES, max_size=5), st.booleans())
def test_sddl_reads_back_what_it_wrote(aces: list[Ace], protected: bool) -> None:
    written = to_sddl(SecurityDescriptor(SYSTEM, tuple(aces), protected))
    assert from_sddl(written) == (tuple(aces), protected)


@pytest.mark.parametrize(
    ("path", "folder", "full"),
    [
        ("x", "C:\\a", "C:\\a\\x"),
        ("..\\x", "C:\\a\\b", "C:\\a\\x"),
        ("..\\..\\..", "C:\\a", "C:\\"),
        ("\\x", "C:\\a", "C:\\x"),
        ("C:x", "C:\\a", "C:\\a\\x"),
        ("D:x", "C:\\a", "D:\\x"),
        ("a/b/./c", "C:\\", "C:\\a\\b\\c"),
        ("x. .", "C:\\", "C:\\x"),
        ("\\\\s\\h\\a\\..\\b", "C:\\", "\\\\s\\h\\b"),
        ("x", "\\\\s\\h\\a", "\\\\s\\h\\a\\x"),
    ],
)
def test_what_is_typed_becomes_a_full_path(path: str, folder: str, full: str) -> None:
    assert full_path(path, folder) == full


@given(st.text("aB.\\/: ", max_size=20))
def test_a_full_path_stays_as_it_is(text: str) -> None:
    once = full_path(text, "C:\\dir")
    assert full_path(once, "C:\\other") == once


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("*.*", "noext", True),
        ("*.txt", "a.TXT", True),
        ("*.txt", "a.txt.old", False),
        ("a?", "a", True),
        ("a?c", "abc", True),
        ("a.*", "a", True),
        ("a.*", "ab", False),
    ],
)
def test_wildcards_fit_as_they_do_on_windows(
    pattern: str, name: str, fits: bool
) -> None:
    assert bool(wildcard(pattern).fullmatch(name)) is fits


PATHS = st.sampled_from(["C:\\a", "C:\\a\\b", "C:\\A\\c", "C:\\d", "C:\\a\\b\\e"])
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["file", "folder", "delete", "rd", "move"]), PATHS, PATHS
    ),
    max_size=20,
)


@given(ACTIONS)
def test_free_space_is_always_what_the_files_leave(
    actions: list[tuple[str, str, str]],
) -> None:
    files = FileSystem(lambda: START, free=100)
    failures: list[FileError] = []
    for number, (what, path, other) in enumerate(actions):
        try:
            match what:
                case "file":
                    files.write(path, bytes(number * 3))
                case "folder":
                    files.make_folder(path)
                case "delete":
                    files.delete(path)
                case "rd":
                    files.remove_folder(path)
                case _:
                    files.rename(path, other)
        except FileError as error:
            failures.append(error)
    used = sum(len(node.content) for _, node in files.walk("C:\\"))
    assert files.free_bytes == 100 - used
