"""Tab in real shells: bash, zsh, fish at a pseudo-terminal, and Nushell."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from orchestrator.interfaces.cli import COMMANDS
from orchestrator.interfaces.cli.completions import _SCRIPTS
from orchestrator.interfaces.cli.offered import offered, parser_of, visible
from orchestrator.model.states import TASK_STATUSES
from tests.support.nushell import PLUGIN, ROOT, VERSIONS, clean_environment, nushell, run_nu
from tests.support.sample import SAMPLE
from tests.support.shell import call
from tests.support.terminal import Terminal, text_of

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE_S = 30.0

#: What the shells are started with: nobody's settings.
_BARE = {
    "bash": ["--norc", "--noprofile", "-i"],
    "zsh": ["-f", "-i"],
    "fish": ["--no-config", "--interactive", "--init-command", "function fish_prompt; echo '> '; end"],
}

#: Read the script that `orchestrator completions` prints.
_LOAD = {
    "bash": 'source <(orchestrator completions bash); bind "set enable-bracketed-paste off"',
    "zsh": "autoload -Uz compinit; compinit -D -u; source <(orchestrator completions zsh)",
    "fish": "orchestrator completions fish | source",
}


class Shell:
    """A shell at a pseudo-terminal, where a line is typed with a Tab at its end."""

    def __init__(self, name: str, home: Path) -> None:
        program = shutil.which(name)
        if program is None:
            pytest.skip(f"{name} is not installed here (Debian: apt-get install {name})")
        environment = {
            **clean_environment(home),
            "PATH": f"{PLUGIN.parent}:{os.environ['PATH']}",
            "ORCH_DATA_DIR": str(SAMPLE),
            "TERM": "xterm",
            "PS1": "> ",
            "SHELL": program,
        }
        self._screen = b""
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.chdir(ROOT)
            os.execve(program, [program, *_BARE[name]], environment)
        self._type(f"{_LOAD[name]}; echo RE''ADY\r", rb"READY\r?\n[\s\S]*> ")

    def line_after_tab(self, typed: str) -> str:
        """What stands on the command line after `typed` and Tab: it is printed by an `echo` that is put before it.

        All keys are typed at once; a shell takes the next one when it is done with the Tab.
        """
        before = len(self._screen)
        self._type(f"{typed}\t\x01echo RE''SULT: \x05 END\r", rb"RESULT: .* END\s*\n[\s\S]*> ")
        found = re.search(r"RESULT: (.*) END", text_of(self._screen[before:]))
        assert found is not None
        return found[1].strip().rstrip("/")

    def listed(self, typed: str, last: str) -> list[str]:
        """The lines that the second Tab shows, up to one that begins with `last`; what was typed stays and is run."""
        before = len(self._screen)
        self._type(f"{typed}\t\t", rb"\n" + last.encode())
        self._type("\x01echo RE''SULT: \x05 END\r", rb"RESULT: .* END\s*\n[\s\S]*> ")
        shown = text_of(self._screen[before:])
        assert f"RESULT: {typed} END" in " ".join(shown.split())
        return [line.rstrip() for line in shown.splitlines()]

    def close(self) -> None:
        """End it."""
        os.kill(self._pid, 9)
        os.waitpid(self._pid, 0)
        os.close(self._fd)

    def _type(self, keys: str, wanted: bytes) -> None:
        """Type, and read until what is new on the screen matches `wanted`."""
        before = len(self._screen)
        os.write(self._fd, keys.encode())
        end = time.monotonic() + _PATIENCE_S
        while not re.search(wanted, self._screen[before:]):
            ready, _, _ = select.select([self._fd], [], [], max(0.0, end - time.monotonic()))
            assert ready, text_of(self._screen[before:])
            self._screen += os.read(self._fd, 65536)


def workflow(name: str) -> str:
    """The id of a workflow of the sample."""
    return min(path.name for path in (SAMPLE / "workflows").iterdir() if path.name.startswith(name))


@pytest.mark.parametrize("name", list(_SCRIPTS))
def test_tab_completes(name: str, tmp_path: Path) -> None:
    """Commands, options, statuses, ids, files: what is typed becomes what is meant."""
    shell = Shell(name, tmp_path)
    cluster, payments = workflow("cluster"), workflow("payments")
    lost = f"{payments}.transfer.local.batch-0302"
    try:
        for typed, meant in (
            ("orchestrator simu", "orchestrator simulate"),
            ("orchestrator help reb", "orchestrator help rebuild"),
            ("orchestrator tasks --workf", "orchestrator tasks --workflow"),
            ("orchestrator tasks --status waiting", "orchestrator tasks --status waiting_retry"),
            ("orchestrator tasks --status=waiting", "orchestrator tasks --status=waiting_retry"),
            ("orchestrator cancel --json clu", f"orchestrator cancel --json {cluster}"),
            ("orchestrator resume ", f"orchestrator resume {workflow('reindex')}"),
            ("orchestrator resolve pay", f"orchestrator resolve {lost}"),
            (f"orchestrator resolve {lost} --as s", f"orchestrator resolve {lost} --as succeeded"),
            (f"orchestrator logs {cluster} --operation d", f"orchestrator logs {cluster} --operation drain"),
            (f"orchestrator why {payments}.rep", f"orchestrator why {payments}.report.local.ledger"),
            ("orchestrator submit data/examples/wu", "orchestrator submit data/examples/wuji.k"),
            ("orchestrator tasks --data-dir data/sam", "orchestrator tasks --data-dir data/sample"),
            ("orchestrator completions fi", "orchestrator completions fish"),
        ):
            assert shell.line_after_tab(typed) == meant
    finally:
        shell.close()


def test_bash_tells_what_the_candidates_are(tmp_path: Path) -> None:
    """Where it lists them; nothing of that gets into the line."""
    shell = Shell("bash", tmp_path)
    try:
        shown = shell.listed("orchestrator logs nightly-backup-", workflow("nightly-backup-p"))
    finally:
        shell.close()
    told = next(line for line in shown if line.startswith(workflow("nightly-backup-p")))
    assert re.fullmatch(r"\S+  cancelled, \d+ d ago", told)


@pytest.mark.parametrize("version", VERSIONS)
def test_tab_completes_in_nushell(version: str, tmp_path: Path) -> None:
    """The module is read, knows every command, and its completer finds what the others find."""
    module = tmp_path / "orchestrator-completions.nu"
    module.write_text(call("completions", "nushell").stdout, encoding="utf-8")
    environment = {
        **clean_environment(tmp_path, ORCH_DATA_DIR=str(SAMPLE)),
        "PATH": f"{PLUGIN.parent}:{os.environ['PATH']}",
    }
    code = f"use {module} *; help commands | where name =~ '^orchestrator' | get name | to text"
    known = run_nu(code, home=tmp_path, version=version, plugin=False)
    assert set(known.stdout.splitlines()) == {"orchestrator", *(f"orchestrator {name}" for name in COMMANDS)}
    with Terminal([str(nushell(version))], cwd=ROOT, env=environment) as shell:
        assert "Error" not in shell.run(f"use {module} *")
        assert '"waiting_retry"' in shell.run("orchestrator tasks --status waiting_r\t --json")
        assert "waits for operation transfer" in shell.run(f"orchestrator why {workflow('payments')}.rep\t --json")
        assert "evicted 31 pods" in shell.run(f"orchestrator logs {workflow('cluster')} --operation dr\t")
        assert "timed_out" in shell.run("orchestrator tasks --status failed --status timed_out")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_option_is_offered_and_every_value_can_be_asked_for(name: str) -> None:
    """What a parser knows, Tab knows; and nothing that may stand on a line makes it fail."""
    parser = parser_of(name)
    options = {max(it.option_strings, key=len) for it in visible(parser) if it.option_strings}
    assert {text for text, _ in offered([name, "--"])} == options
    for action in visible(parser):
        if action.option_strings and action.nargs != 0:
            offered([name, max(action.option_strings, key=len), ""])
    offered([name, ""])
    offered([name, "no-such-thing", "--", "--no-such=", ""])


def test_what_is_offered_depends_on_the_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The directory that is named, the workflow that is named, what has been said already."""
    cluster = workflow("cluster")
    assert offered(["cancel", ""]) == []
    there = ["--data-dir", str(SAMPLE)]
    assert cluster in dict(offered(["cancel", *there, ""]))
    assert dict(offered(["cancel", f"--data-dir={SAMPLE}", ""])) == dict(offered(["cancel", *there, ""]))
    assert [text for text, _ in offered(["logs", *there, cluster, "--operation", ""])] == ["drain", "upgrade", "check"]
    items = offered(["logs", *there, cluster, "--operation", "check", "--item", ""])
    assert items == [("kubernetes", "check, pending")]
    assert "--operation" not in dict(offered(["logs", cluster, "--operation", "check", "--"]))
    assert "--status" in dict(offered(["tasks", "--status", "failed", "--"]))  # may be repeated
    assert [text for text, _ in offered(["tasks", "--status", "="])] == [*TASK_STATUSES, "corrupt"]  # as bash breaks it
    assert [text for text, _ in offered(["graph", *there, cluster, "--focus", ""])] == ["drain", "upgrade", "check"]
    assert [text for text, _ in offered(["graph", *there, "clus"])] == [cluster]
    assert offered(["graph", *there, "./x"]) == [(":files k", "")]
    (tmp_path / "clusters.k").touch()
    (tmp_path / "clusters.txt").touch()
    with monkeypatch.context() as elsewhere:
        elsewhere.chdir(tmp_path)
        assert [text for text, _ in offered(["graph", *there, "clus"])] == [cluster, "clusters.k"]
    for named in (["--workflow", cluster], [cluster]):
        operations = offered(["watch", *there, *named, "--operation", ""])
        assert [text for text, _ in operations] == ["drain", "upgrade", "check"]
        tasks = [text for text, _ in offered(["watch", *there, *named, "--task", ""])]
        assert tasks
        assert all(text.startswith(f"{cluster}.") for text in tasks)
    assert [text for text, _ in offered(["tasks", *there, "--workflow", cluster, "--operation", "up"])] == ["upgrade"]
    assert [text for text, _ in offered(["watch", *there, "clus"])] == [cluster]
    assert "queued" in dict(offered(["watch", "--status", ""]))
    lost = f"{workflow('payments')}.transfer.local.batch-0302"
    assert [text for text, _ in offered(["logs", *there, lost])] == [lost]
    hotfix = workflow("hotfix")
    assert "start" in dict(offered(["rollback", *there, hotfix, "--to", ""]))
    monkeypatch.chdir(tmp_path)
    for name in ("deploy.k", "deploy.prod.yaml", "deploy.dev.yaml", "other.prod.yaml", "deploy.yaml"):
        (tmp_path / name).touch()
    assert [text for text, _ in offered(["submit", "deploy.k", "--env", ""])] == ["dev", "prod"]


def test_somebody_waits(tmp_path: Path) -> None:
    """A Tab is answered in a fraction of the time in which one would be missed, where nothing can be read as well."""
    for words in (["tasks", "--st"], ["cancel", "--data-dir", str(tmp_path / "none"), ""], ["cancel", ""]):
        took = []
        for _ in range(5):
            begin = time.perf_counter()
            told = call("completions", "--offer", *words, env={"ORCH_DATA_DIR": str(SAMPLE)})
            took.append(time.perf_counter() - begin)
            assert (told.returncode, told.stderr) == (0, "")
        assert min(took) < 0.25  # 30 ms on a quiet machine


def test_the_scripts_are_sound() -> None:
    """shellcheck, and each shell's own check of the syntax."""
    share = ROOT / "orchestrator" / "share"
    bash = share / "completions" / _SCRIPTS["bash"]
    checker = PLUGIN.with_name("shellcheck")
    checked = subprocess.run([checker, "--shell=bash", bash], capture_output=True, text=True)
    assert (checked.returncode, checked.stdout) == (0, "")
    for shell in ("bash", "zsh", "fish"):
        if shutil.which(shell):
            subprocess.run([shell, "-n", share / "completions" / _SCRIPTS[shell]], check=True)
