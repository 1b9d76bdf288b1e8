"""``orch validate``: everything that is wrong with a definition."""

from nu_plugin_orch.call import Later
from nu_plugin_orch.commands.shared import DATA_DIR, ENVIRONMENT, LAYER, definition_path, layer_path, questions
from nu_plugin_orch.commands.simulate import as_columns
from nu_plugin_orch.protocol.signature import flag, positional, record, signature, table
from nu_plugin_orch.readers.cells import Cells
from orchestrator.files.asking import validator
from orchestrator.files.asking.foresight import look_ahead
from orchestrator.model.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Wire

__all__ = ["BLAME", "NOTE", "PREFIX", "SIGNATURE", "questions", "run"]

PREFIX = "Validation failed"

BLAME = {NotFound: (0, "cannot be read")}

NOTE = "Nothing was changed."

#: Parts of a report that are for programs.
_INTERNAL = ("plan", "sources", "definition", "format")

#: `line` is null for what is wrong with a whole file; Nushell 0.115 holds commands to the types they declare.
_DIAGNOSTICS = table(
    {
        "severity": "String",
        "code": "String",
        "line": "Any",
        "column": "Any",
        "message": "String",
        "help": "String",
        "file": "String",
    }
)

#: The first columns of a diagnostic: a table that is cut keeps what is wrong, and where. The path of the file is long.
_FIRST = ("severity", "code", "line", "column", "message", "help", "file")

SIGNATURE = signature(
    "orch validate",
    "Check a definition (KCL) and say everything that is wrong with it.",
    output=record({"valid": "Bool", "errors": _DIAGNOSTICS, "warnings": _DIAGNOSTICS}),
    extra="Needs no daemon. The definition is evaluated in a process of its own, whatever it does.",
    required=[positional("file", "Filepath", "The definition")],
    flags=[
        flag("strict", "S", None, "Check more; warnings make it invalid"),
        flag("waves", None, None, "Also give the waves in which its operations would run"),
        flag("dry-run", None, None, "Also give `dry_run`: what would be done, in which order, and how long it takes"),
        flag("name", "n", "String", "With --waves and --dry-run: which workflow, if the file holds several"),
        flag("options", "o", {"Record": []}, "Values for option() in the definition"),
        ENVIRONMENT,
        LAYER,
        flag("resolved", "r", None, "Also give each value and where it comes from"),
        DATA_DIR,
    ],
    search_terms=["workflow", "check", "lint", "kcl"],
    examples=[
        ("orch validate data/examples/wuji.k | get valid", "Check a definition", True),
        ("orch validate data/examples/wuji.k --strict | get warnings", "See what could be better"),
        ("orch validate data/examples/wuji.k --waves | get waves.0.id", "See what would run first", ["create-servers"]),
        ("orch validate data/examples/wuji.k --dry-run | get dry_run.total", "See about how long it takes"),
        (
            "orch validate data/examples/environments.k --env prod --resolved | get resolved | where origin =~ layer",
            "See what an environment changes",
        ),
    ],
)


def run(call: "Call") -> Later:
    """A record of the report."""
    path = definition_path(call)
    waves, is_dry_run = call.switch("waves"), call.switch("dry-run")
    asked: dict[str, Any] = {
        "strict": call.switch("strict"),
        "options": call.record("options"),
        "name": call.text("name"),
        "environment": call.text("env"),
        "layer": layer_path(call),
        "resolved": call.switch("resolved"),
    }

    def work() -> "Wire":
        if is_dry_run:
            report = look_ahead(path, call.data_dir, {}, dry_run=True, **asked)
        else:
            report = validator.evaluate(path, data_dir=call.data_dir, want_plan=waves, **asked)
        if "dry_run" in report:
            report["dry_run"] = as_columns(report["dry_run"])
        first = {"valid": report["valid"], **{key: [_row(it) for it in report[key]] for key in ("errors", "warnings")}}
        omit = _INTERNAL if waves else (*_INTERNAL, "waves")
        return Cells(call.values).record({**first, **{key: report[key] for key in report if key not in first}}, omit)

    return Later(work)


def _row(told: "dict[str, Any]") -> "dict[str, Any]":
    """A diagnostic with the columns that people look at first."""
    return {**{key: told.get(key) for key in _FIRST}, **told}
