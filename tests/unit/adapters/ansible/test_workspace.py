from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.adapters.ansible.workspace import Workspace, _Dumper, plain, prune

TEXT = st.text(max_size=40) | st.just("{{ lookup('pipe', 'id') }}")


class Reader(yaml.SafeLoader):
    """Reads ``!unsafe`` as Ansible does, and shows that it was there."""


Reader.add_constructor("!unsafe", lambda _, node: ("unsafe", node.value))


@given(TEXT)
def test_every_text_is_marked_as_data_and_keeps_its_value(text: str) -> None:
    written = yaml.dump(plain({"a": [text], "b": {"c": text}}), Dumper=_Dumper)
    found = yaml.load(written, Reader)  # noqa: S506 - a SafeLoader with one more tag
    assert found == {"a": [("unsafe", text)], "b": {"c": ("unsafe", text)}}


def test_numbers_stay_numbers() -> None:
    assert plain({"wave": 3, "on": True}) == {"wave": 3, "on": True}


def test_a_folder_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        place = Workspace(tmp_path / "state" / "hooks", "one")
        place.fill({"_meta": {"hostvars": {}}}, {"a": "b"})
    finally:
        os.umask(before)
    for found in (tmp_path / "state" / "hooks").rglob("*"):
        assert stat.S_IMODE(found.stat().st_mode) & 0o077 == 0, found
    assert stat.S_IMODE((tmp_path / "state" / "hooks").stat().st_mode) == 0o700


def test_a_state_folder_that_was_open_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Workspace(tmp_path, "one")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_the_oldest_ended_folders_are_pruned_and_a_running_one_is_not(
    tmp_path: Path,
) -> None:
    running = Workspace(tmp_path, "running")
    for number in range(4):
        place = Workspace(tmp_path, f"ended-{number}")
        place.close()
        os.utime(place.folder / "done", (number, number))
    prune(tmp_path, keep=2, abandoned_s=3600)
    assert {found.name for found in tmp_path.iterdir()} == {
        running.folder.name,
        "ended-2",
        "ended-3",
    }


def test_what_a_killed_program_left_is_pruned(tmp_path: Path) -> None:
    abandoned = Workspace(tmp_path, "abandoned")
    os.utime(abandoned.folder, (1, 1))
    running = Workspace(tmp_path, "running")
    prune(tmp_path, keep=2, abandoned_s=3600)
    assert list(tmp_path.iterdir()) == [running.folder]


def test_what_was_unpacked_is_gone_at_the_end(tmp_path: Path) -> None:
    place = Workspace(tmp_path, "one")
    (place.scratch / "module").write_text("token")
    place.close()
    assert not place.scratch.exists()


def test_only_processes_of_this_folder_are_ended(tmp_path: Path) -> None:
    ours, others = Workspace(tmp_path, "one"), Workspace(tmp_path, "one-more")
    started = [
        subprocess.Popen(
            ["sleep", "60"],
            env={"AWX_ISOLATED_DATA_DIR": f"{place.folder}/artifacts/x"},
            start_new_session=True,
        )
        for place in (ours, others)
    ]
    try:
        ours.end_processes()
        assert started[0].wait(timeout=10) == -9
        assert started[1].poll() is None
    finally:
        for process in started:
            process.kill()
            process.wait(timeout=10)
