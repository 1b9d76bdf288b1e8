"""Every action of the built-in provider may be killed before any of its commands, and is then run again.

A shell that counts its commands dies, with all it has started, at a given one. From each state that a death
leaves, two things are tried: to run the same again, and to do the opposite. Both must end where they would have ended
without the death.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from orchestrator.effects import processes
from tests.effects.provider.test_local_provider import SHELLS, Local
from tests.support.attempts import wait_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif("/bin/bash" not in SHELLS, reason="only bash can count its commands")

#: Stands in the place of `sh`: runs a script with a trap before each of its commands, in functions and subshells too.
#: The count is in a file, because the script and its subshells, and the scripts that it runs, are counted together.
COUNTING = r"""#!/bin/bash
if [ -z "${DIE_AT-}" ]; then
	exec /bin/bash --posix "$@"
fi
exec /bin/bash --posix -c '
count() {
	printf . >>"$COUNTED" # both sides of a pipe count: nothing is lost if they do at once
	read -r so_far <"$COUNTED" || :
	[ "${#so_far}" -le "$DIE_AT" ] || kill -KILL 0
}
set -o functrace
trap count DEBUG
. "$0"
' "$@"
"""

#: How an action is prepared, what it is, what takes it back.
ACTIONS = [
    ("server", [], "create", "undo-create"),
    ("server", ["create"], "update", "undo-update"),
    ("server", ["create"], "delete", "undo-delete"),
    ("server", ["create"], "undo-create", "create"),
    ("server", ["create", "update"], "undo-update", "update"),
    ("server", ["create", "delete"], "undo-delete", "delete"),
    ("taskserv", [], "create", "undo-create"),
    ("taskserv", ["create"], "update", "undo-update"),
    ("taskserv", ["create"], "delete", "undo-delete"),
    ("taskserv", ["create"], "undo-create", "create"),
    ("taskserv", ["create", "update"], "undo-update", "update"),
    ("taskserv", ["create", "delete"], "undo-delete", "delete"),
    ("cluster", [], "create", "undo-create"),
    ("cluster", ["create"], "update", "undo-update"),
    ("cluster", ["create"], "delete", "undo-delete"),
    ("cluster", ["create", "update"], "undo-update", "update"),
    ("cluster", ["create", "delete"], "undo-delete", "delete"),
]


def is_gone(group: int) -> bool:
    """Whether no process of a group is left but such as are dead, and that nobody has waited for yet."""
    found = map(processes.read_process, processes.process_ids())
    return all(process is None or process.group != group or process.is_dead for process in found)


class Dying:
    """The provider, a copy of it for each death."""

    def __init__(self, directory: Path, target: str) -> None:
        self.directory = directory
        self.target = target
        self.local = Local(directory, SHELLS[0])
        shell = directory / "bin" / "sh"
        shell.unlink()
        shell.write_text(COUNTING)
        shell.chmod(0o755)
        self._counted = directory / "counted"
        (directory / "data" / "workflows" / "w1").mkdir(parents=True)
        if target != "server":
            self.local.ok("server", "create", "other")

    def act(self, verb: str) -> None:
        """An action, to its end."""
        self.local.ok(self.target, verb, "resolv", **self._env(verb))

    def dies(self, verb: str, at: int) -> bool:
        """An action that is killed before one of its commands; False if it has fewer."""
        self._counted.write_text("")
        env = {**self.local.env, **self._env(verb), "ORCH_ITEM": "resolv"}
        script = f"{env['ORCH_PROVIDER_DIR']}/{self.target}.sh"
        counting = {"DIE_AT": str(at), "COUNTED": str(self._counted)}
        command = [str(self.directory / "bin" / "sh"), script, verb]
        process = subprocess.Popen(
            command,
            env={**env, **counting},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        code = process.wait(60)
        assert code in (0, -9), (verb, at, code)
        wait_for(lambda: is_gone(process.pid), "the last process that was killed")
        return code != 0

    def state(self) -> dict[str, bytes]:
        """{path: content} of all there is, without times, but for what is kept and the history."""
        tree = self.local.tree()
        return {
            name: re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"TIME", content)
            for name, (content, _) in tree.items()
            if "/" in name and not name.startswith("kept/") and not name.endswith("/applied.log")
        }

    def everything(self) -> dict[str, bytes]:
        """The same with what is kept and the history; ids of processes are left out."""
        tree = self.local.tree()
        return {
            re.sub(r"\.\d+$", ".PID", name): re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", b"TIME", content)
            for name, (content, _) in tree.items()
        }

    def history(self) -> list[str]:
        """What was done, without times."""
        logs = self.local.root.glob("servers/*/applied.log")
        return [line.split(" ", 1)[1] for log in logs for line in log.read_text().splitlines()]

    def has_only_the_record(self, verb: str) -> bool:
        """Whether the service's script was not reached: nobody can know then what it would have kept."""
        kept = self.local.root / "kept" / "w1" / verb / "resolv" / "other"
        return (kept / "resolv.json").exists() and not (kept / "files").exists()

    def save(self) -> None:
        """Remember all of it under `saved`."""
        self._copy(self.local.root, self.directory / "saved")

    def reset(self) -> None:
        """As it was saved."""
        self._copy(self.directory / "saved", self.local.root)

    def keep_death(self) -> None:
        """Remember what a death left."""
        self._copy(self.local.root, self.directory / "dead")

    def reset_to_death(self) -> None:
        """As a death left it."""
        self._copy(self.directory / "dead", self.local.root)

    @staticmethod
    def _copy(source: Path, target: Path) -> None:
        shutil.rmtree(target, ignore_errors=True)
        if source.exists():
            shutil.copytree(source, target, symlinks=True)

    @staticmethod
    def _env(verb: str) -> dict[str, str]:
        undo, _, operation = verb.rpartition("-")
        return {
            "ORCH_WORKFLOW_ID": "w1",
            "ORCH_OPERATION": operation,
            "ORCH_TASK_ID": f"w1.{operation}.local.resolv",
            "ORCH_IDEMPOTENCY_KEY": f"key-{operation}{undo}",
            "NAMESERVERS": {"create": "10.0.0.1"}.get(operation, "10.0.0.2"),
        }


@pytest.mark.parametrize(("target", "prepared", "verb", "opposite"), ACTIONS)
def test_an_action_that_is_killed_is_completed_or_undone(
    tmp_path: Path, target: str, prepared: list[str], verb: str, opposite: str
) -> None:
    """From every state that a death leaves."""
    of = Dying(tmp_path, target)
    for each in prepared:
        of.act(each)
    if verb == "update" and target == "server":
        (of.local.servers / "resolv" / "etc" / "hostname").write_text("by hand\n")
    of.save()
    before = of.state()
    of.act(verb)
    done, history = of.state(), of.history()
    of.act(opposite)
    undone = of.state()
    if not verb.startswith("undo"):
        assert undone == before
    seen: list[dict[str, bytes]] = []
    for at in itertools.count():
        of.reset()
        if not of.dies(verb, at):
            break
        left = of.everything()
        if left in seen:
            continue
        seen.append(left)
        of.keep_death()
        of.act(verb)
        assert of.state() == done, (at, sorted(left))
        assert of.history() == history, (at, sorted(left))
        of.reset_to_death()
        if target == "taskserv" and opposite.startswith("undo") and of.has_only_the_record(verb):
            of.act(verb)
        of.act(opposite)
        assert of.state() == undone, (at, sorted(left))
    assert at > 10
    assert len(seen) > 1
    assert os.listdir(of.local.root / "servers") or target == "server"
