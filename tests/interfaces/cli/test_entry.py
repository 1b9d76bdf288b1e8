"""What holds for every command: help, arguments, streams, exit codes, start-up."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from orchestrator import __version__
from orchestrator.interfaces.cli import COMMANDS, EXIT_CODES
from orchestrator.model import errors
from tests.support.foreign_directory import TASK, make_foreign
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan
from tests.support.shell import COMMAND, ROOT, call, call_at_terminal, command

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

#: What a command that only reads files has no use for, and people would wait for.
HEAVY = {
    "asyncio",
    "dataclasses",
    "importlib.metadata",
    "inspect",
    "kcl_lib",
    "logging",
    "msgspec",
    "pathlib",
    "rich",
    "shutil",
    "socket",
    "subprocess",
    "tempfile",
    "typing",
    "watchdog",
    "yaml",
}


@pytest.fixture
def foreign(tmp_path: Path) -> str:
    """A directory with a thousand tasks, more than a pipe holds."""
    return make_foreign(tmp_path / "data", *({**TASK, "id": f"task-{number:04}"} for number in range(1000)))


def shell(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script for bash in the checkout."""
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, cwd=ROOT)


def test_the_list_of_commands_is_complete() -> None:
    """Every module of a command is listed with its summary, and every exit code."""
    told = call("--help")
    assert told.returncode == 0
    for name, summary in COMMANDS.items():
        assert f"  {name} " in told.stdout
        assert summary in told.stdout
    modules = {path.stem for path in (ROOT / "orchestrator" / "interfaces" / "cli").glob("*.py")}
    assert set(COMMANDS) - {"serve"} <= modules


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_explains_itself(name: str) -> None:
    """What it does, its options, and how it is used."""
    told = call(name, "--help")
    assert (told.returncode, told.stderr) == (0, "")
    assert f"usage: orchestrator {name}" in told.stdout
    assert "--data-dir" in told.stdout
    assert "Examples:" in told.stdout or name == "serve"
    if name != "serve":
        assert call("help", name).stdout == told.stdout


def test_every_failure_has_a_documented_exit_code() -> None:
    """The table of the help covers every class of error."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.OrchestratorError)}
    assert codes <= set(EXIT_CODES)
    told = call("--help").stdout
    for code, when in EXIT_CODES.items():
        assert f"  {code} " in told
        assert when in told


def test_the_version_is_that_of_the_package() -> None:
    """One line."""
    assert call("--version").stdout == f"orchestrator {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["vaildate"], "error: There is no command 'vaildate'.\nhelp: Did you mean 'validate'?\n"),
        (["list"], "error: There is no command 'list'.\nhelp: Did you mean 'workflows' or 'tasks'?\n"),
        (["zzz"], "error: There is no command 'zzz'.\nhelp: `orchestrator --help` lists them.\n"),
        (["submit", "x.k", "--wach"], "Unrecognized arguments: --wach.\nhelp: Did you mean '--watch'? `orchestrator "),
        (["tasks", "--statsu=failed"], "Unrecognized arguments: --statsu=failed.\nhelp: Did you mean '--status'? "),
        (["tasks", "--zzz"], "error: Unrecognized arguments: --zzz.\nhelp: `orchestrator tasks --help`"),
        (["--data-dir", "x", "tasks"], "error: --data-dir stands where the command belongs.\n"),
        (["tasks", "--lim", "3"], "error: Unrecognized arguments: --lim 3.\n"),
        (["tasks", "--limit", "-1"], "error: A limit of -1 rows means nothing.\nhelp: Give 0 or more; leave it out"),
        (["tasks", "--limit", "x"], "error: Argument --limit: 'x' is not a number from 0 up.\n"),
        (["submit", "x.k", "--priority", "5000"], "error: Argument --priority: 5000 is not between -1000 and 1000.\n"),
        (["run", "x.k", "--priority", "high"], "error: Argument --priority: 'high' is not a number.\n"),
        (["logs", "x", "--attempt", "0"], "error: Argument --attempt: it counts from 1.\n"),
        (["cancel"], "error: The following arguments are required: WORKFLOW.\nhelp: `orchestrator cancel --help`"),
        (["watch", "--until-done"], "error: --until-done needs --workflow.\n"),
        (["logs", "x", "--follow", "--failed"], "error: --follow cannot know what is going to fail.\n"),
        (["submit", "x.k", "--option", "=1"], "error: There is no file "),
    ],
)
def test_what_is_not_understood_is_told(arguments: Sequence[str], message: str, tmp_path: Path) -> None:
    """On standard error, with the remedy; nothing was done, and exit code 2 (or 66 for a file that is not there)."""
    result = call(*arguments, env={"ORCH_DATA_DIR": str(tmp_path / "none")})
    assert message in result.stderr
    assert result.stdout == ""
    assert result.returncode == (66 if "no file" in message else 2)


def test_no_command_at_all_is_told() -> None:
    """As a usage error, not as a success."""
    result = subprocess.run(COMMAND, capture_output=True, text=True, check=False, cwd=ROOT)
    assert (result.returncode, result.stdout) == (2, "")
    assert "orchestrator --help" in result.stderr


def test_an_option_of_the_definition_is_name_and_value(tmp_path: Path) -> None:
    """Told before anything is asked of anybody."""
    (tmp_path / "w.k").write_text("", encoding="utf-8")
    result = call("validate", tmp_path / "w.k", "--option", "prod")
    assert (result.returncode, result.stdout) == (2, "")
    assert "--option 'prod' is not NAME=VALUE." in result.stderr


def test_a_reader_that_goes_away_is_no_failure(foreign: str) -> None:
    """`orchestrator tasks | head -1` says nothing about pipes."""
    words = " ".join(command("tasks", "--json", data_dir=foreign))
    result = shell(f"set -o pipefail; {words} | head -c 10")
    assert (result.returncode, result.stdout, result.stderr) == (0, '[\n {\n  "id', "")


def test_a_full_disk_is_told(foreign: str) -> None:
    """Half an answer is not passed off as a whole one."""
    result = shell(f"{' '.join(command('tasks', data_dir=foreign))} > /dev/full")
    assert result.returncode == 74
    assert result.stderr == "error: The output cannot be written: No space left on device.\n"


def test_closed_streams_are_no_failure(foreign: str) -> None:
    """As in `>&-`; what is to be done is done."""
    result = shell(f"{' '.join(command('tasks', '--limit', '1', data_dir=foreign))} >&- 2>&-")
    assert result.returncode == 0


def test_output_fits_the_encoding_of_the_place(tmp_path: Path) -> None:
    """A locale that knows nothing but ASCII gets the rest spelt out, and JSON stays JSON."""
    data_dir = make_foreign(tmp_path / "data", {**TASK, "id": "größe", "reason": "half a \ud800 pair"})
    ascii_only = {"PYTHONIOENCODING": "ascii"}
    for env in (ascii_only, {"PYTHONIOENCODING": "utf-8"}):
        rows = json.loads(call("tasks", "--json", data_dir=data_dir, env=env).stdout)
        assert (rows[0]["id"], rows[0]["reason"]) == ("größe", "half a \ud800 pair")
    assert "gr\\xf6\\xdfe" in call("tasks", data_dir=data_dir, env=ascii_only).stdout


def test_a_table_fits_its_terminal_and_is_whole_in_a_pipe(tmp_path: Path) -> None:
    """The last column is cut, with a mark."""
    reason = "waits for " + ", ".join(f"operation-{number}" for number in range(20))
    data_dir = make_foreign(tmp_path / "data", {**TASK, "reason": reason})
    code, shown = call_at_terminal("tasks", data_dir=data_dir, columns=80, env={"NO_COLOR": "1"})
    assert code == 0
    assert [len(line) for line in shown.splitlines()][1] == 80
    assert shown.endswith("…\n")
    assert reason in call("tasks", data_dir=data_dir).stdout


def test_colours_are_for_terminals_that_want_them(tmp_path: Path) -> None:
    """NO_COLOR is honoured, a pipe gets none."""
    data_dir = make_foreign(tmp_path / "data", {**TASK, "status": "failed"})
    assert "\x1b[31mfailed" in call_at_terminal("tasks", data_dir=data_dir)[1]
    assert "\x1b" not in call_at_terminal("tasks", data_dir=data_dir, env={"NO_COLOR": "1"})[1]
    assert "\x1b" not in call_at_terminal("tasks", data_dir=data_dir, env={"TERM": "dumb"})[1]
    assert "\x1b" not in call("tasks", data_dir=data_dir).stdout


def test_the_environment_names_the_directory(foreign: str) -> None:
    """A-22: the flag first, then ORCH_DATA_DIR."""
    rows = json.loads(call("tasks", "--json", "--limit", "1", env={"ORCH_DATA_DIR": foreign}).stdout)
    assert rows[0]["id"] == "task-0000"
    result = call("status", data_dir="/nowhere/at/all", env={"ORCH_DATA_DIR": foreign})
    assert result.returncode == 66


@pytest.mark.parametrize("arguments", [["status"], ["tasks"], ["workflows"], ["status", "--json"]])
def test_reading_files_imports_next_to_nothing(arguments: list[str], tmp_path: Path) -> None:
    """P11: what makes a start slow is not there."""
    own = OwnDirectory(tmp_path / "data")
    own.submit(plan(operation("one")), "w-000001")
    program = (
        "import sys\nfrom orchestrator.__main__ import main\n"
        f"sys.argv = ['orchestrator', *{arguments!r}, '--data-dir', {own.path!r}]\n"
        "assert main() == 0\nprint()\nprint(*sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-IS", "-c", f"import sys; sys.path.append({str(ROOT)!r})\n{program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(answer.stdout.splitlines()[-1].split())
    assert loaded & HEAVY == set()
    roots = {name.partition(".")[0] for name in loaded} - {"__main__"}
    assert roots <= sys.stdlib_module_names | {"orchestrator"}
