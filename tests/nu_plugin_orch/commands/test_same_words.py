"""The same mistake is told in the same words by every command, in Nushell and in the other shells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.engine.events import AttemptExited
from orchestrator.files.state.not_there import LISTED
from tests.support.engine import ARGUMENT, Engine, PluginError
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan
from tests.support.shell import call as shell

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    #: (command, positional arguments, flags)
    Typed = tuple[str, tuple[object, ...], dict[str, object]]

W = "deploy-4k7q0d"
TASK = f"{W}.build.local.x"

#: {code: exit code of the shell's command}
EXIT_CODES = {"orch::usage": 2, "orch::not_found": 66, "orch::id::bad": 65}


def typed(command: str, *positional: object, **flags: object) -> Typed:
    """A line; `_` in a name stands for a hyphen, at its end for nothing."""
    return command, positional, {name.rstrip("_").replace("_", "-"): value for name, value in flags.items()}


def taking_a_workflow(word: str) -> list[Typed]:
    """Every command that takes one, by a flag or as its argument."""
    return [
        *(typed(name, workflow=word) for name in ("tasks", "stats", "watch")),
        *(typed(name, 1, workflow=word) for name in ("at", "diff")),
        *(typed(name, word) for name in ("watch", "logs", "graph", "why", "eta")),
    ]


#: [(lines, code, message, help, label)]; in help what all of them begin with.
ERRORS: list[tuple[list[Typed], str, str, str, str]] = [
    (
        taking_a_workflow("nosuch"),
        "orch::not_found",
        "There is no workflow nosuch in DIR.",
        LISTED,
        "not known here",
    ),
    (
        taking_a_workflow("deploy-4k7q0e"),
        "orch::not_found",
        "There is no workflow deploy-4k7q0e in DIR.",
        f"Did you mean {W}? {LISTED}",
        "not known here",
    ),
    (
        [typed("watch", task=f"{TASK}x"), typed("logs", f"{TASK}x"), typed("why", f"{TASK}x")],
        "orch::not_found",
        f"There is no task {TASK}x in DIR.",
        f"Did you mean {TASK} or {W}.build.local.y or {W}.test.local.x? `orch tasks --workflow {W}` lists its tasks.",
        "not known here",
    ),
    (
        [typed(name, "nosuch.a.local.x") for name in ("logs", "why")] + [typed("watch", task="nosuch.a.local.x")],
        "orch::not_found",
        "There is no workflow nosuch in DIR.",
        LISTED,
        "not known here",
    ),
    (
        [
            typed("logs", W, operation="biuld"),
            typed("watch", W, operation="biuld"),
            typed("watch", workflow=W, operation="biuld"),
            typed("graph", W, focus="biuld"),
        ],
        "orch::not_found",
        f"There is no operation biuld in {W}.",
        "Did you mean build? There are: build, test.",
        "not in this workflow",
    ),
    (
        [typed("logs", W, item="z"), typed("watch", W, item="z")],
        "orch::not_found",
        f"There is no item z in {W}.",
        "There are: x, y.",
        "not in this workflow",
    ),
    (
        [
            *(typed(name, from_="soon") for name in ("tasks", "stats")),
            *(typed(name, to="soon") for name in ("tasks", "stats")),
            *(typed(name, "soon") for name in ("at", "diff")),
            typed("diff", 1, "soon"),
            typed("watch", since="soon"),
        ],
        "orch::usage",
        "'soon' is no moment.",
        "Moments look like ",
        "not a moment",
    ),
    (
        [typed(name, from_="1day", to="2day") for name in ("tasks", "stats")],
        "orch::usage",
        "--to is before --from.",
        "No task can be in between.",
        "before --from",
    ),
    (
        [typed("tasks", limit=-1), typed("workflows", limit=-1), typed("at", "now", limit=-1)],
        "orch::usage",
        "A limit of -1 rows means nothing.",
        "Give 0 or more; leave it out to get all.",
        "less than none",
    ),
    (
        [typed("logs", W, tail=-1)],
        "orch::usage",
        "The last -1 lines mean nothing.",
        "Give 0 or more; leave it out to get all.",
        "less than none",
    ),
    (
        [typed("watch", status="faild")],
        "orch::usage",
        "No task or workflow has status `faild`.",
        "Did you mean failed? Statuses are pending, ",
        "never comes",
    ),
]

#: [(lines, warning)]: a table that is empty, and truly so.
WARNINGS: list[tuple[list[Typed], str]] = [
    (
        [typed("tasks", status="faild"), typed("stats", status="faild"), typed("at", "now", status="faild")],
        "No task has status `faild`. Did you mean failed? Statuses are pending, ",
    ),
    (
        [
            typed("tasks", status="completed"),
            typed("stats", status="completed"),
            typed("at", "now", status="completed"),
        ],
        "No task has status `completed`; the word here is `succeeded`.",
    ),
    ([typed("workflows", status="completed")], "No workflow has status `completed`; the word here is `succeeded`."),
    ([typed("tasks", operation="biuld")], "No task has operation `biuld`. Did you mean build?"),
    ([typed("tasks", item="z")], "No task has item `z`."),
]


@pytest.fixture
def own(tmp_path: Path) -> str:
    """A directory with one workflow."""
    directory = OwnDirectory(tmp_path / "own")
    directory.submit(plan(operation("build", ("x", "y")), operation("test", after=("build",))), W)
    directory.happen(AttemptExited(f"{W}.build.local.x", 1, 0))
    return directory.path


def words(line: Typed) -> list[str]:
    """The line for the shell's command."""
    command, positional, flags = line
    return [
        command,
        *map(str, positional),
        *(word for name, value in flags.items() for word in (f"--{name}", str(value))),
    ]


def every(table: Iterable[tuple[Any, ...]]) -> list[Any]:
    """A case for each line."""
    return [pytest.param(line, *rest, id=" ".join(words(line))) for lines, *rest in table for line in lines]


@pytest.mark.parametrize(("line", "code", "message", "help_text", "label"), every(ERRORS))
def test_an_error(engine: Engine, own: str, line: Typed, code: str, message: str, help_text: str, label: str) -> None:
    """The same code, sentence, help and label on the word itself."""
    command, positional, flags = line
    message = message.replace("DIR", own)
    with pytest.raises(PluginError) as told:
        engine.run(f"orch {command}", *positional, data_dir=own, **flags)
    shown = told.value.told
    assert shown["msg"].partition(": ")[2] == message
    assert (shown["code"], shown["labels"]) == (code, [{"text": label, "span": ARGUMENT}])
    assert shown["help"].startswith(help_text)


@pytest.mark.parametrize(("line", "code", "message", "help_text", "label"), every(ERRORS))
def test_an_error_in_another_shell(own: str, line: Typed, code: str, message: str, help_text: str, label: str) -> None:
    """The same sentence and help, with the names that things have there."""
    assert label
    done = shell(*words(line), data_dir=own)
    lines = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (EXIT_CODES[code], "")
    assert lines[0] == f"error: {message.replace('DIR', own)}"
    assert lines[1].startswith(f"help: {help_text.replace('`orch ', '`orchestrator ')}")


@pytest.mark.parametrize(("line", "warning"), every(WARNINGS))
def test_a_warning(engine: Engine, own: str, line: Typed, warning: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Beside an answer that is empty, and true."""
    command, positional, flags = line
    engine.run(f"orch {command}", *positional, data_dir=own, **flags)
    (told,) = capfd.readouterr().err.splitlines()
    assert told.startswith(f"Warning: {warning}")


@pytest.mark.parametrize(("line", "warning"), every(WARNINGS))
def test_a_warning_in_another_shell(own: str, line: Typed, warning: str) -> None:
    """The same sentence, on standard error; the exit code is that of success."""
    done = shell(*words(line), data_dir=own)
    assert done.returncode == 0
    assert f"warning: {warning}" in done.stderr
