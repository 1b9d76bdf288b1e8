"""``orch simulate``: how a definition would run, without starting anything."""

from nu_plugin_orch.call import Later, WrongArgument
from nu_plugin_orch.commands.shared import DATA_DIR, ENVIRONMENT, LAYER, definition_path, layer_path, questions
from nu_plugin_orch.protocol.signature import Duration, flag, positional, record, signature, table
from nu_plugin_orch.readers.cells import Cells
from orchestrator.files.asking.foresight import look_ahead
from orchestrator.model.errors import DefinitionInvalid, NotFound, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Wire

__all__ = [
    "ASSUME",
    "BLAME",
    "NOTE",
    "PREFIX",
    "SIGNATURE",
    "answer_last",
    "as_columns",
    "assumed",
    "questions",
    "run",
    "times_first",
]

PREFIX = "Failed to simulate"

BLAME = {NotFound: (0, "cannot be read"), DefinitionInvalid: (0, "has errors")}

NOTE = "Nothing was changed."

#: What is written under each of these.
_LABELS = {
    "with": "not something to change",
    "fail": "not something to fail",
    "max-running": "not a number of tasks",
    "provider-limits": "not numbers of tasks",
}

#: Nushell's words for units that a forecast calls otherwise.
_UNITS = {"sec": "s", "hr": "h"}

#: What stands at the end of the record: the tables before it may be long.
_ANSWER = ("critical_path", "name", "tasks", "reason", "status", "total_ms")

#: {table of what happens when: its first columns}.
_TIMED = {
    "critical_path": ("task", "starts_ms", "ends_ms", "because", "limit"),
    "order": ("task", "starts_ms", "ends_ms"),
    "waves": ("wave", "operation", "tasks", "starts_ms", "ends_ms"),
}

ASSUME = flag("assume", "a", "Duration", "How long a task takes of which nothing is known (1min)")

_PATH = table({"task": "String", "starts": "Duration", "ends": "Duration", "because": "String"})

SIGNATURE = signature(
    "orch simulate",
    "Play a definition (KCL) through before it runs: how long, in which order, what holds it up. Nothing is started.",
    output=record({"name": "String", "status": "String", "total": "Duration", "tasks": "Int", "critical_path": _PATH}),
    extra=(
        "The rules are the engine's own, on a clock that jumps; times are durations from the start. How long a task "
        "takes is known from earlier runs in the data directory, or else assumed. A name is an operation, an item, or "
        "OPERATION/ITEM. The answer stands last, behind what it comes from. Needs no daemon."
    ),
    required=[positional("file", "Filepath", "The definition")],
    flags=[
        flag("name", "n", "String", "Which workflow, if the file holds several"),
        flag("options", "o", {"Record": []}, "Values for option() in the definition"),
        ENVIRONMENT,
        LAYER,
        flag("with", "w", {"List": "String"}, "What if it took longer: NAME=2x or NAME=90sec, a list of these"),
        flag("fail", "f", {"List": "String"}, "What if it failed: NAME, or NAME=2 for its first two attempts; a list"),
        flag("max-running", "m", "Int", "Tasks at a time; else as configured"),
        flag("provider-limits", "p", {"Record": []}, "Tasks at a time on a provider, for instance {local: 4}"),
        ASSUME,
        DATA_DIR,
    ],
    search_terms=["workflow", "forecast", "predict", "dry run", "what if", "estimate", "duration"],
    examples=[
        (
            "orch simulate data/examples/wuji.k --assume 30sec | get total",
            "See about how long it takes",
            Duration(120_000_000_000),
        ),
        (
            "orch simulate data/examples/wuji.k --with [install-k8s=2x os=90sec] --max-running 2 | get critical_path",
            "See what the time consists of, if some things were slower",
        ),
        (
            "orch simulate data/examples/wuji.k --fail [cilium] --assume 5sec | get undone",
            "See what a failure would undo",
        ),
        ("orch simulate data/examples/environments.k --env prod | get limits", "See what holds tasks back"),
    ],
)


def run(call: "Call") -> Later:
    """A record of the forecast."""
    path = definition_path(call)
    wanted = _wanted(call)
    asked: dict[str, Any] = {
        "options": call.record("options"),
        "name": call.text("name"),
        "environment": call.text("env"),
        "layer": layer_path(call),
    }

    def work() -> "Wire":
        try:
            report = look_ahead(path, call.data_dir, wanted, **asked)
        except UsageError as error:
            raise _blamed(error, wanted) from error
        if "forecast" not in report:
            count = len(report["errors"])
            what = f"{path} has {count} error{'' if count == 1 else 's'}."
            raise DefinitionInvalid(what, "`orch validate` gives them as a table.", report["errors"])
        return Cells(call.values).record(answer_last(as_columns(report["forecast"]), _ANSWER))

    return Later(work)


def answer_last(found: "dict[str, Any]", answer: "tuple[str, ...]") -> "dict[str, Any]":
    """`found` with the fields `answer` at its end: that is what is on the screen when all of it has been drawn."""
    return {**{name: value for name, value in found.items() if name not in answer}, **{it: found[it] for it in answer}}


def as_columns(found: "dict[str, Any]") -> "dict[str, Any]":
    """A forecast whose columns can all lose their unit (`assumed` is a number of tasks already), and fit a screen."""
    durations = dict(found["durations"])
    durations["assumed_to_be_ms"] = durations.pop("assumed_ms")
    return {**times_first(found), "durations": durations}


def times_first(found: "dict[str, Any]") -> "dict[str, Any]":
    """`found` with tables in which what and when comes first: a table that is cut keeps its first columns."""
    tables = {name: [_begin(row, columns) for row in found[name]] for name, columns in _TIMED.items() if name in found}
    return {**found, **tables}


def _begin(row: "dict[str, Any]", columns: "tuple[str, ...]") -> "dict[str, Any]":
    return {**{name: row[name] for name in columns if name in row}, **row}


def assumed(call: "Call") -> "dict[str, int]":
    """What `ASSUME` says, as an assumption. Raises WrongArgument."""
    nanoseconds = call.duration_ns(ASSUME["long"])
    if nanoseconds is None:
        return {}
    if nanoseconds < 1_000_000:
        raise WrongArgument(ASSUME["long"], "A task takes a millisecond at least.", "too short")
    return {"assumed_ms": nanoseconds // 1_000_000}


def _wanted(call: "Call") -> "dict[str, Any]":
    """The assumptions that are asked for. Raises WrongArgument."""
    wanted: dict[str, Any] = {
        "factors": dict(_factor(text) for text in call.texts("with")),
        "failures": dict(_failure(text) for text in call.texts("fail")),
        "provider_limits": {name: _limit("provider-limits", n) for name, n in call.record("provider-limits").items()},
        **assumed(call),
    }
    most = call.integer("max-running")
    return wanted if most is None else {**wanted, "max_running": _limit("max-running", most)}


def _factor(text: str) -> "tuple[str, str]":
    name, equals, value = text.rpartition("=")
    if not equals or not name or not value:
        message, help_text = f"'{text}' is not NAME=CHANGE.", "For example: --with [install-k8s=2x]"
        raise WrongArgument("with", message, _LABELS["with"], help_text)
    for word, unit in _UNITS.items():
        if value.endswith(word):
            return name, value.removesuffix(word) + unit
    return name, value


def _failure(text: str) -> "tuple[str, int | str]":
    name, equals, count = text.rpartition("=")
    if not equals or not name:
        return text, "always"
    return name, _limit("fail", int(count) if count.isascii() and count.isdigit() else count)


def _limit(argument: str, value: object) -> int:
    if type(value) is not int or value < 1:
        raise WrongArgument(argument, f"{value} is not a number from 1 up.", _LABELS[argument])
    return value


def _blamed(error: UsageError, wanted: "dict[str, Any]") -> UsageError:
    """`error`, as one of the argument whose words it quotes: names and changes are known only where the plan is."""
    quoted = {"fail": wanted["failures"], "with": [*wanted["factors"], *wanted["factors"].values()]}
    for argument, words in quoted.items():
        if any(f"'{word}'" in error.message for word in words):
            return WrongArgument(argument, error.message, _LABELS[argument], error.help)
    return error
