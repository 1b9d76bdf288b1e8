"""Tab at a real prompt: what the line names already narrows what is offered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.nushell import OLDEST, PLUGIN, VERSIONS, clean_environment, nushell
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("version", [version for version in VERSIONS if version != OLDEST])
def test_tab_offers_what_the_workflow_has(version: str, tmp_path: Path) -> None:
    """The one word that fits is put into the line: others begin alike, in other workflows and directories.

    The oldest Nushell asks no plugin.
    """
    for name in ("mine", "other"):
        own = OwnDirectory(tmp_path / name)
        own.submit(plan(operation(f"build-{name}", (f"node-{name}",)), operation("burn")), "w1")
        own.submit(plan(operation(f"bundle-{name}", (f"node-{name}-2",))), "w2")
    command = [str(nushell(version)), "--no-config-file", "--no-std-lib", "--plugins", f"[{PLUGIN}]"]
    work = tmp_path / "work"
    for path in (work / "only.k", work / "only.txt", work / "sub" / "in.k"):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    environment = clean_environment(tmp_path, ORCH_DATA_DIR=str(tmp_path / "other"), PWD=str(work))
    mine = tmp_path / "mine"
    with Terminal(command, cwd=work, env=environment) as shell:
        for typed, completed in (
            (f"orch tasks -d {mine} --workflow w1 --operation bui", "--operation build-mine"),
            (f"orch tasks -d {mine} -w w2 --operation bu", "--operation bundle-mine"),
            ("orch tasks --workflow=w2 --operation bu", "--operation bundle-other"),
            (f"orch watch w2 --data-dir {mine} --from 0:0 -i no", "-i node-mine-2"),
            (f"orch graph w1 -d {mine} --focus bui", "--focus build-mine"),
            (f"orch graph -d {mine} on", "orch graph -d " + f"{mine} only.k"),
            ("orch graph sub/", "orch graph sub/in.k"),
            ("orch tasks --status cor", "--status corrupt"),
            (f"orch watch -d {mine} -w [w2] --task w2.", "--task w2.bundle-mine.local.node-mine-2"),
        ):
            shell.keys(f"{typed}\t")
            shell.wait_for(completed)
            shell.interrupt()
