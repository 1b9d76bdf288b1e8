"""``orch watch`` as a person meets it: the display that is redrawn in place, and Ctrl-C in every form."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import termios
import time
from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.events import AttemptExited
from tests.support.live import wait_for
from tests.support.nushell import NEWEST, OLDEST, PLUGIN, VERSIONS, clean_environment, nushell, run_nu
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan
from tests.support.processes import children
from tests.support.terminal import Terminal, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: A person has the prompt back at once; how long it may take on a busy machine.
PROMPT_S = 1.0

#: Begins synchronised output: each frame has one.
FRAME = b"\x1b[?2026h"


class Watched(Terminal):
    """A terminal of which the test also knows what was written to it, and how it is set."""

    @property
    def written(self) -> bytes:
        """Everything that came to the screen."""
        return self._screen

    def is_raw(self) -> bool:
        """Whether keys come as they are: nothing is echoed, and no key sends a signal."""
        flags = termios.tcgetattr(self._fd)[3]
        return not flags & (termios.ECHO | termios.ISIG | termios.ICANON)

    def resize(self, columns: int, lines: int) -> None:
        """The window has another size."""
        termios.tcsetwinsize(self._fd, (lines, columns))

    def shell(self) -> int:
        """The process at the terminal."""
        return self._pid

    def nushell(self) -> int:
        """The process that the shell around it has started."""
        return children(self._pid)[0]

    def display(self, typed: str) -> None:
        """Type a command, and wait for its first frame."""
        before = self._screen.count(FRAME)
        self.keys(f"{typed}\r")
        self._wait(lambda: self._screen.count(FRAME) > before, f"a frame of {typed}")

    def wait_for_more(self, text: bytes, count: int) -> None:
        """Wait until `text` has been written more often than `count` times."""
        self._wait(lambda: self._screen.count(text) > count, f"more of {text!r}")

    def look_for(self, seconds: float) -> None:
        """Look at the screen for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self._fd], [], [], left)[0]:
                self._screen += os.read(self._fd, 65536)
                self._answer_queries()

    def seconds_to_prompt(self, keys: str) -> float:
        """Press keys that end a command; how long the prompt took."""
        before = len(self._screen)
        began = time.monotonic()
        self.keys(keys)
        self._wait(lambda: self._prompt_again(before), "the prompt")
        return time.monotonic() - began


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OwnDirectory]:
    """A directory with a workflow of two operations; it looks as if a daemon ran."""
    directory = OwnDirectory(tmp_path / "own")
    directory.submit(plan(operation("build", ("x", "y")), operation("ship", ("z",), ("build",))), "w1")
    lock = directory.hold()
    yield directory
    lock.release()


@pytest.fixture(params=VERSIONS)
def terminal(request: pytest.FixtureRequest, own: OwnDirectory, tmp_path: Path) -> Iterator[Watched]:
    """A prompt with the plugin, which knows the directory."""
    with opened(request.param, own, tmp_path) as made:
        yield made


def opened(version: str, own: OwnDirectory, home: Path, **more: str) -> Watched:
    """A Nushell at a terminal."""
    command = [str(nushell(version)), "--no-std-lib", "--plugins", f"[{PLUGIN}]"]
    env = clean_environment(home, ORCH_DATA_DIR=own.path, XDG_RUNTIME_DIR=os.environ["XDG_RUNTIME_DIR"], **more)
    return Watched(command, cwd=home, env=env)


def test_one_workflow_is_drawn_to_its_end(terminal: Watched, own: OwnDirectory) -> None:
    """In place; then its state is returned, and the terminal is as it was."""
    terminal.keys("orch watch w1 --live | get status | $'it ($in)'\r")
    shown = terminal.wait_for("0/2")
    assert "build" in shown
    assert "ends the watching only" in shown
    assert terminal.is_raw()
    own.happen(AttemptExited("w1.build.local.x", 1, 0))
    terminal.wait_for("1/2")
    before = len(terminal.written)
    own.happen(AttemptExited("w1.build.local.y", 1, 3))
    terminal.wait_for("exit code 3")
    terminal.wait_for("it failed")
    terminal.wait_for_prompt(before)
    assert "7042" in terminal.run("print (6 + 7036)")


def test_all_workflows_are_drawn(terminal: Watched, own: OwnDirectory) -> None:
    """Also one that comes later; q ends it, and returns nothing."""
    terminal.keys("orch watch --live | describe | $'it is ($in)'\r")
    assert "latest" not in terminal.wait_for("1 workflow: ")
    own.submit(plan(operation("one")), "w2")
    terminal.wait_for("2 workflows: ")
    own.happen(AttemptExited("w2.one.local.x", 1, 0))
    terminal.wait_for("latest")
    assert terminal.seconds_to_prompt("q") < PROMPT_S
    assert "it is nothing" in text_of(terminal.written)


def test_a_display_that_nothing_changes_is_quiet(own: OwnDirectory, tmp_path: Path) -> None:
    """A frame a second, for the clock; ten a second at most, whatever happens; each in place of the last."""
    with opened(NEWEST, own, tmp_path) as terminal:
        terminal.display("orch watch --live")
        terminal.look_for(0.3)
        before = terminal.written.count(FRAME)
        terminal.look_for(2.0)
        assert terminal.written.count(FRAME) - before <= 4
        for number in range(100):
            own.submit(plan(operation("one")), f"many{number}")
        terminal.wait_for("101 workflows: ")
        frames = terminal.written.count(FRAME)
        assert frames < 60
        assert terminal.written.count(b"\x1b[2J") == 0
        terminal.seconds_to_prompt("q")


FORMS = {
    "a stream in a table": "orch watch",
    "a stream behind what happened": "orch watch --from 0:0 --reasons",
    "a stream in a pipeline": "orch watch --from 0:0 | each {|it| $it.status } | ignore",
    "heartbeats": "orch watch --heartbeat 20ms",
    "up to the end": "orch watch --workflow w1 --until-done",
    "a filter": "orch watch --status rolled_back --operation build",
    "a display of all": "orch watch --live",
    "a display of one": "orch watch w1 --live",
}


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_ctrl_c_gives_the_prompt_back_at_once(version: str, own: OwnDirectory, tmp_path: Path) -> None:
    """In every form; and the plugin goes on serving."""
    took: dict[str, float] = {}
    with opened(version, own, tmp_path) as terminal:
        terminal.run("orch workflows | length")  # a plugin that starts does not hear Ctrl-C yet
        for form, typed in FORMS.items():
            before = terminal.written.count(b"7043")
            terminal.keys(f"print (7000 + 43); {typed}\r")
            terminal.wait_for_more(b"7043", before)
            terminal.look_for(0.4)  # a stream that waits shows nothing
            took[form] = terminal.seconds_to_prompt("\x03")
            assert "7042" in terminal.run("print (6 + 7036)")
        assert "1" in terminal.run("orch workflows | length")
    print(version, {form: f"{seconds * 1000:.0f} ms" for form, seconds in took.items()})  # noqa: T201
    assert max(took.values()) < PROMPT_S


@pytest.mark.parametrize("key", ["q", "\x1b", "\x03", "\x04"])
def test_keys_end_a_display(own: OwnDirectory, tmp_path: Path, key: str) -> None:
    """And others do not: an arrow begins with Escape, too."""
    with opened(NEWEST, own, tmp_path) as terminal:
        terminal.display("orch watch --live")
        for other in ("x", "\x1b[A", "\x1a", "\r"):
            terminal.keys(other)
            terminal.look_for(0.15)
        own.submit(plan(operation("one")), "w2")
        terminal.wait_for("2 workflows: ")
        assert terminal.seconds_to_prompt(key) < PROMPT_S
        assert b"\x1b[?25h" in terminal.written.rpartition(FRAME)[2]


def test_a_window_may_change_its_size(own: OwnDirectory, tmp_path: Path) -> None:
    """Lines are cut to what there is; nothing but a word is left of a very narrow one."""
    with opened(NEWEST, own, tmp_path) as terminal:
        terminal.keys("orch watch w1 --live\r")
        terminal.wait_for("ends the watching only")
        terminal.resize(30, 6)
        terminal.wait_for("q, Esc or Ctrl-C ends the wa…")
        terminal.resize(15, 4)
        terminal.wait_for("too narrow")
        frames = terminal.written.count(b"ends the watching only")
        terminal.resize(100, 40)
        own.happen(AttemptExited("w1.build.local.x", 1, 0))
        terminal.wait_for("1/2")
        terminal.wait_for_more(b"ends the watching only", frames)
        terminal.seconds_to_prompt("q")


def test_no_colours_where_none_are_wanted(own: OwnDirectory, tmp_path: Path) -> None:
    """With NO_COLOR, which tests set; without it there are."""
    with opened(NEWEST, own, tmp_path) as terminal:
        terminal.display("orch watch --live")
        terminal.seconds_to_prompt("q")
        plain = terminal.written.partition(FRAME)[2].rpartition(FRAME)[2]
        assert b"\x1b[36m" not in plain
        terminal.run("hide-env NO_COLOR")
        terminal.display("orch watch --live")
        terminal.seconds_to_prompt("q")
        assert b"\x1b[36m" in terminal.written.rpartition(b"hide-env")[2]


def test_other_calls_go_on_while_a_display_is_shown(own: OwnDirectory, tmp_path: Path) -> None:
    """The engine may have several at a time; a second display is refused."""
    with opened(NEWEST, own, tmp_path) as terminal:
        code = (
            "[1 2] | par-each --threads 2 {|n| if $n == 1 { orch watch --live; 'ended' } else { "
            "while not ('shown' | path exists) { sleep 10ms }; "
            "let told = try { orch watch --live } catch {|e| $'refused ($e.msg) ((orch workflows).id.0)' }; "
            "touch refused; $told } } | to nuon"
        )
        terminal.keys(f"{code}\r")
        terminal.wait_for("1 workflow: ")
        (tmp_path / "shown").touch()
        wait_for((tmp_path / "refused").exists, "the refusal")
        terminal.seconds_to_prompt("q")
        shown = text_of(terminal.written)
        assert "has the terminal. w1" in shown.replace("\n", "")
        assert "ended" in shown


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_without_a_terminal_it_is_an_error(version: str, own: OwnDirectory, tmp_path: Path) -> None:
    """That says what to use instead; so it is with a terminal that only prints lines."""
    run = run_nu(f"orch watch --live -d {own.path}", home=tmp_path, version=version)
    assert run.returncode != 0
    assert "TERM is dumb" in run.stderr
    assert "come as records" in run.stderr
    code = f"try {{ orch watch --live -d {own.path} }} catch {{|e| print $e.msg }}"
    command = ["setsid", str(nushell(version)), "-n", "--no-std-lib", "--plugins", f"[{PLUGIN}]", "-c", code]
    env = {**clean_environment(tmp_path), "TERM": "xterm"}
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    assert re.search("There is no terminal|did not hand the terminal over", done.stdout), done.stderr


def test_a_nushell_that_dies_leaves_the_terminal_as_it_was(own: OwnDirectory, tmp_path: Path) -> None:
    """The plugin hears of it and gives back what it has taken."""
    inner = f"{nushell()} --no-std-lib --plugins '[{PLUGIN}]'; sleep 60"
    env = clean_environment(tmp_path, ORCH_DATA_DIR=own.path, XDG_RUNTIME_DIR=os.environ["XDG_RUNTIME_DIR"])
    with Watched(["sh", "-c", inner], cwd=tmp_path, env=env) as terminal:
        terminal.display("orch watch --live")
        assert terminal.is_raw()
        os.kill(terminal.nushell(), signal.SIGKILL)
        end = time.monotonic() + 5
        while terminal.is_raw() and time.monotonic() < end:
            time.sleep(0.02)
        assert not terminal.is_raw()


def test_an_interrupt_that_is_no_key_ends_a_display(terminal: Watched) -> None:
    """Sent to Nushell by another process: the terminal is given back before the prompt comes."""
    terminal.display("orch watch --live")
    assert terminal.is_raw()
    before = len(terminal.written)
    began = time.monotonic()
    os.kill(terminal.shell(), signal.SIGINT)
    terminal.wait_for_more(b"\x1b[?25h", terminal.written[:before].count(b"\x1b[?25h"))
    assert time.monotonic() - began < PROMPT_S
    terminal.wait_for_prompt(before)
    assert "7042" in terminal.run("print (6 + 7036)")


def test_a_failure_gives_the_terminal_back(own: OwnDirectory, tmp_path: Path) -> None:
    """A journal that breaks while it is shown is told as any error, on a terminal that is as it was."""
    with opened(NEWEST, own, tmp_path) as terminal:
        terminal.display("orch watch --live")
        segment = tmp_path / "own" / "journal" / "000001.jsonl"
        with segment.open("r+b") as file:
            file.seek(len(file.read().rstrip(b"\n")) + 1)
            file.write(b"what is no record\n")
        (tmp_path / "own" / "journal" / "000002.jsonl").write_bytes(b"\n")
        before = len(terminal.written)
        terminal.wait_for("orch::journal::damaged")
        terminal.wait_for_prompt(before)
        assert "7042" in terminal.run("print (6 + 7036)")
        assert b"\x1b[?25h" in terminal.written.rpartition(FRAME)[2]
