"""``orch validate``: everything that is wrong with a definition."""

import os

from nu_plugin_orch.call import Later
from nu_plugin_orch.commands.shared import DATA_DIR
from nu_plugin_orch.place import questions
from nu_plugin_orch.protocol.signature import flag, positional, record, signature, table
from nu_plugin_orch.readers.cells import Cells
from orchestrator.files import validator
from orchestrator.model.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Wire

__all__ = ["BLAME", "NOTE", "PREFIX", "SIGNATURE", "questions", "run"]

PREFIX = "Validation failed"

BLAME = {NotFound: (0, "no such file")}

NOTE = "Nothing was changed."

#: Parts of a report that are for programs.
_INTERNAL = ("plan", "sources", "definition", "format")

_DIAGNOSTICS = table({"severity": "String", "code": "String", "message": "String", "file": "String", "line": "Int"})

SIGNATURE = signature(
    "orch validate",
    "Check a definition (KCL) and say everything that is wrong with it.",
    output=record({"valid": "Bool", "errors": _DIAGNOSTICS, "warnings": _DIAGNOSTICS}),
    extra="Needs no daemon. The definition is evaluated in a process of its own, whatever it does.",
    required=[positional("file", "Filepath", "The definition")],
    flags=[
        flag("strict", "S", None, "Check more; warnings make it invalid"),
        flag("waves", None, None, "Also give the waves in which its operations would run"),
        flag("name", "n", "String", "With --waves: which workflow, if the file holds several"),
        flag("options", "o", {"Record": []}, "Values for option() in the definition"),
        DATA_DIR,
    ],
    search_terms=["workflow", "check", "lint", "kcl"],
    examples=[
        ("orch validate data/examples/wuji.k", "Check a definition"),
        ("orch validate data/examples/wuji.k --strict | get warnings", "See what could be better"),
        ("orch validate data/examples/wuji.k --waves | get waves.0.id", "See what would run first"),
    ],
)


def run(call: "Call") -> Later:
    """A record of the report."""
    path = call.path(0)
    strict, waves, name, options = (
        call.switch("strict"),
        call.switch("waves"),
        call.text("name"),
        call.record("options"),
    )
    if not os.path.exists(path):
        raise NotFound(f"There is no file {path}.", "Paths start at the current folder.")

    def work() -> "Wire":
        report = validator.evaluate(
            path, strict=strict, options=options, name=name, data_dir=call.data_dir, want_plan=waves
        )
        first = {key: report[key] for key in ("valid", "errors", "warnings")}
        omit = _INTERNAL if waves else (*_INTERNAL, "waves")
        return Cells(call.values).record({**first, **report}, omit)

    return Later(work)
