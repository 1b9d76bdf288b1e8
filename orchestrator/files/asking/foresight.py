"""What is known before a definition runs, or while a workflow does: for forecasts (docs/simulate.md).

The shell command and the plugin ask the same questions here. The rules of execution are not known here: a forecast is
made in the evaluator's process.
"""

import time

from orchestrator.files import document
from orchestrator.files.asking import validator
from orchestrator.files.asking.history import read_history
from orchestrator.files.layout import SETTINGS_FILE, task_path
from orchestrator.model.ids import file_stem, task_id
from orchestrator.model.limits import SMALL_FILE_BYTES_MAX
from orchestrator.model.times import parse_rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from orchestrator.files.asking.history import History

#: Statuses of tasks for which it matters since when.
_SINCE_WHEN = frozenset({"running", "rolling_back", "waiting_retry"})


def configured(directory: str) -> "dict[str, Any]":
    """``max_running`` and ``provider_limits`` as orchestrator.toml of `directory` has them, where it has.

    A file that a daemon would refuse is looked over: the daemon says what is wrong with it, and to run needs one.
    """
    import tomllib

    try:
        settings = tomllib.loads(document.read(f"{directory}/{SETTINGS_FILE}", SMALL_FILE_BYTES_MAX).decode())
    except (OSError, ValueError, RecursionError):
        return {}
    providers = settings.get("providers")
    limits = {name: _limit(own) for name, own in providers.items()} if isinstance(providers, dict) else {}
    found: dict[str, Any] = {"provider_limits": {name: limit for name, limit in limits.items() if limit is not None}}
    return found if _limit(settings) is None else {**found, "max_running": _limit(settings)}


def look_ahead(path: str, directory: str, wanted: "Mapping[str, Any]", **asked: "Any") -> "dict[str, Any]":
    """The evaluator's report about the definition at `path`, with a forecast for the data directory `directory`.

    A definition that ran under another path is found by the workflow's name, once that is known.

    Args:
        path: of the definition, absolute.
        directory: whose settings and earlier runs count; need not exist.
        wanted: assumptions that count more than its settings (`orchestrator.forecast`, as plain values).
        **asked: as `validator.evaluate` takes it.

    Raises:
        NotFound, UsageError, ValidatorUnavailable: as `validator.evaluate`.
    """
    settings = configured(directory)
    limits = {**settings.get("provider_limits", {}), **wanted.get("provider_limits", {})}
    history = read_history(directory, name=asked.get("name"), definition=path)
    known = _durations(history)

    def ask() -> "dict[str, Any]":
        simulate = {**settings, **wanted, "provider_limits": limits, **known}
        return validator.evaluate(path, data_dir=directory, simulate=simulate, **asked)

    report = ask()
    found = report.get("forecast") or report.get("dry_run")
    if found is not None and history.tasks and not history.workflows:
        history = history.of_name(found["name"])
        known = _durations(history)
        report = ask() if history.workflows else report
    return report


def underway(
    directory: str, workflow: str, state: "Mapping[str, Any]", wanted: "Mapping[str, Any]"
) -> "tuple[dict[str, Any], dict[str, int]]":
    """(assumptions, milliseconds that its attempts have taken) of a workflow that has begun, for `validator.remaining`.

    `state` is its public state; `wanted` are assumptions that count more than the settings of `directory`.
    """
    known = _durations(read_history(directory, name=state.get("name"), definition=state.get("definition")))
    return {**configured(directory), **wanted, **known}, _elapsed_ms(directory, workflow, state)


def _durations(history: "History") -> "dict[str, dict[str, int]]":
    """What a history says, as assumptions."""
    return {"durations_ms": history.durations_ms, "kinds_ms": history.kinds_ms}


def _elapsed_ms(directory: str, workflow: str, state: "Mapping[str, Any]") -> "dict[str, int]":
    """{"operation/provider/item": milliseconds since its attempt began, or ended if it waits for the next}."""
    now_us = time.time_ns() // 1000
    found = {}
    for operation in state["operations"]:
        for one in operation["items"]:
            if one["status"] in _SINCE_WHEN:
                since_us = _since_us(directory, task_id(workflow, operation["id"], one["provider"], one["item"]))
                if since_us is not None:
                    found[f"{operation['id']}/{one['provider']}/{one['item']}"] = max(0, now_us - since_us) // 1000
    return found


def _since_us(directory: str, task: str) -> "int | None":
    """When what the task does now began; None if it does nothing, or that cannot be known."""
    try:
        row = document.load(task_path(directory, file_stem(task)), SMALL_FILE_BYTES_MAX)
        if row.get("status") == "waiting_retry":
            return parse_rfc3339(str(row["finished_at"]))
        return None if row.get("finished_at") else parse_rfc3339(str(row["started_at"]))
    except (OSError, document.Malformed, KeyError, ValueError, OverflowError):
        return None


def _limit(settings: object) -> "int | None":
    value = settings.get("max_running") if isinstance(settings, dict) else None
    return value if type(value) is int and value > 0 else None
