"""What a cell uses, added up over its processes from /proc, proc(5)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cairn_account.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def judge(root: int, limits: Mapping[str, int]) -> None:
    """Look at a process and all below it.

    Raises:
        Refused: They take more memory, or are more, than may be.
    """
    family = _family(root)
    if len(family) > limits["processes"]:
        raise Refused(f"the app started more than {limits['processes']} processes and was ended")
    if sum(family.values()) > limits["memory"] and _own(family) > limits["memory"]:
        mib = limits["memory"] // 2**20
        raise Refused(f"the app took more than the {mib} MiB that the spec gives it and was ended")


def below(root: int) -> set[int]:
    """Return all processes below one, without itself."""
    return set(_family(root)) - {root}


def _own(family: Mapping[int, int]) -> int:
    """Return their bytes in memory with what they share counted once (Pss), which takes longer."""
    return sum(_share(one, whole) for one, whole in family.items())


def _share(process: int, whole: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text("ascii").splitlines()
        return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    except (OSError, ValueError):
        return whole if Path(f"/proc/{process}").exists() else 0


def _family(root: int) -> dict[int, int]:
    """Return the bytes in memory of a process and of each below it."""
    above, used = {}, {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # The name may hold anything; what follows the last bracket is numbers.
            words = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        above[int(folder.name)] = int(words[1])
        used[int(folder.name)] = int(words[21]) * PAGE
    family, fresh = {root}, {root}
    while fresh:
        fresh = {one for one, parent in above.items() if parent in fresh} - family
        family |= fresh
    return {one: used.get(one, 0) for one in family}
