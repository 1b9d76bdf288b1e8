"""Output that floods is cut, and goes on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.effects.effect import Exited
from orchestrator.effects.local import LocalEffect
from orchestrator.effects.output import LOOK_US, cut
from tests.support.attempts import BOOT_ID, Gate, ended, launch

if TYPE_CHECKING:
    from pathlib import Path


def test_keeps_the_first_half_and_says_what_was_dropped(tmp_path: Path) -> None:
    """The head stays, then a line with the number of bytes."""
    (tmp_path / "a.out").write_bytes(b"h" * 60 + b"t" * 50)
    (tmp_path / "a.err").write_bytes(b"e" * 100)
    assert cut(f"{tmp_path}/a", 100) == 60
    marker = b"\n[orchestrator: 60 bytes were dropped here, the limit is 100]\n"
    assert (tmp_path / "a.out").read_bytes() == b"h" * 50 + marker
    assert (tmp_path / "a.err").read_bytes() == b"e" * 100


def test_leaves_alone_what_is_no_log(tmp_path: Path) -> None:
    """Missing files, links and FIFOs are not touched, and nothing blocks."""
    (tmp_path / "big").write_bytes(b"x" * 1000)
    (tmp_path / "a.out").symlink_to(tmp_path / "big")
    os.mkfifo(tmp_path / "a.err")
    assert cut(f"{tmp_path}/a", 10) == 0
    assert cut(f"{tmp_path}/missing", 10) == 0
    assert (tmp_path / "big").stat().st_size == 1000


def test_a_command_goes_on_behind_the_cut(data_dir: Path, tmp_path: Path) -> None:
    """While it runs its files are looked at; what it writes later follows the marker, without a hole between."""
    gate = Gate(tmp_path / "gate")
    effect = LocalEffect(str(data_dir), BOOT_ID, output_bytes_max=1000)
    child = effect.start(launch(data_dir, f"printf %5000d 1; read -r _ <{gate.path}; echo later"))
    gate.wait()
    assert effect.next_sweep_us() == 0
    effect.sweep(7)
    assert effect.next_sweep_us() == 7 + LOOK_US
    gate.open()
    assert ended(child) == Exited(0)
    log = (data_dir / "workflows" / "w" / "logs" / "op.local.x.1.out").read_bytes()
    assert log == b" " * 500 + b"\n[orchestrator: 4500 bytes were dropped here, the limit is 1000]\nlater\n"


def test_a_short_flood_is_cut_at_the_end(data_dir: Path) -> None:
    """A command that ends before anybody looks leaves no larger file than any other."""
    effect = LocalEffect(str(data_dir), BOOT_ID, output_bytes_max=1000)
    assert ended(effect.start(launch(data_dir, "printf %100000d 1 >&2"))) == Exited(0)
    log = data_dir / "workflows" / "w" / "logs" / "op.local.x.1.err"
    assert log.stat().st_size < 1000
