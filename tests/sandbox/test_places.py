"""Locks, files and names of the sandbox."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from cairn.sandbox import places


def test_a_lock_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def enter(number: int) -> None:
        for _ in range(20):
            with places.locked(tmp_path / "lock"):
                inside.append(number)
                most.append(len(inside))
                inside.remove(number)

    threads = [threading.Thread(target=enter, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1


def is_waited_for(file: Path) -> bool:
    """Tell from proc_locks(5) whether somebody is blocked by the lock on a file."""
    inode = f":{file.stat().st_ino} "
    return any(
        "->" in line and inode in line for line in Path("/proc/locks").read_text().splitlines()
    )


def test_a_lock_whose_file_its_holder_removed_is_still_a_lock(tmp_path: Path) -> None:
    entered = threading.Event()

    def wait() -> None:
        with places.locked(tmp_path / "lock"):
            entered.set()

    thread = threading.Thread(target=wait)
    with places.locked(tmp_path / "lock"):
        thread.start()
        end = time.monotonic() + 5
        while not is_waited_for(tmp_path / "lock") and time.monotonic() < end:
            time.sleep(0.01)
        (tmp_path / "lock").unlink()
        with places.locked(tmp_path / "lock"):
            assert not entered.wait(0.3)
    thread.join(timeout=5)
    assert entered.is_set()


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    places.write_json(tmp_path / "a.json", {"a": 1})
    places.write_json(tmp_path / "a.json", {"b": 2})
    assert places.read_json(tmp_path / "a.json") == {"b": 2}
    assert [file.name for file in tmp_path.iterdir()] == ["a.json"]


def test_a_file_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert places.read_json(tmp_path / "a.json") == {}


def test_names_of_links_fit_into_what_the_kernel_allows() -> None:
    assert len(places.bridge()) <= 15
    assert len(f"vb-c{places.label()}-254") <= 15
