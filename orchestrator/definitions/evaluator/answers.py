"""What a client is told: the report of a child as it is handed out, or why there is none."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

from orchestrator.definitions import diagnostics
from orchestrator.definitions.diagnostics import Text
from orchestrator.definitions.evaluator import sandbox
from orchestrator.definitions.evaluator.job import REPORT_BYTES_MAX, WALL_S

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.definitions.diagnostics import Diagnostic
    from orchestrator.definitions.evaluator.job import Job
    from orchestrator.model.errors import OrchestratorError

#: What a failure of this program's own is called.
_BUG = "orch::validate::bug"


def refused(error: OrchestratorError) -> dict[str, Any]:
    """The answer to a request that cannot be done."""
    return {"error": {"code": error.code, "message": error.message, "help": error.help}}


def failed(message: str, help_text: str) -> dict[str, Any]:
    """The answer to a request that this program could not deal with."""
    return {"error": {"code": _BUG, "message": message, "help": help_text}}


def finished(job: Job, status: int) -> dict[str, Any]:
    """The answer of a child that ended with `status` (0 if its end was not waited for)."""
    elapsed_ms = job.elapsed_ms
    report = _report_of(job, status)
    if "bug" in report:
        return failed(report["bug"], "")
    if "refused" in report:
        return {"error": report["refused"]}
    if "remaining" in report:
        return report
    found = report.pop("diagnostics") + _missing_files(report.pop("files"))
    if job.request["digest"] not in (None, job.digest):
        message = "the file has changed since it was submitted"
        found.append(diagnostics.make("WF014", message, Text(job.request["path"], ""), help="Submit it again."))
    found = diagnostics.in_order(found)
    errors = [one for one in found if one["severity"] == "error"]
    warnings = [one for one in found if one["severity"] == "warning"]
    return {
        "format": "1.0",
        "valid": not errors and not (job.request["strict"] and warnings),
        "errors": errors,
        "warnings": warnings,
        "elapsed_ms": elapsed_ms,
        "digest": job.digest,
        **report,
    }


def _report_of(job: Job, status: int) -> dict[str, Any]:
    if os.WIFEXITED(status) and (said := job.output):
        return dict(json.loads(said))
    path = job.request["path"]
    return {
        "file": path,
        "workflows": [],
        "diagnostics": [_why_none(job, status)],
        "files": {},
        "definition": path,
        "sources": [],
    }


def _why_none(job: Job, status: int) -> Diagnostic:
    """What became of a child that reported nothing."""
    code, message, help_text = "WF092", f"evaluation needed more than {sandbox.MEMORY_BYTES >> 20} MiB", "Compute less."
    by_signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if job.too_large:
        message = f"the report is larger than {REPORT_BYTES_MAX >> 20} MiB"
    elif job.timed_out or by_signal == signal.SIGXCPU:
        code, message = "WF090", f"evaluation was ended after {WALL_S:g} s"
        help_text = "Is there a loop over too much?"
    elif by_signal not in (0, signal.SIGABRT):
        code, message = "WF091", f"evaluation ended itself ({signal.Signals(by_signal).name})"
        help_text = "Most likely a recursion that goes too deep."
    return diagnostics.make(code, message, Text(job.request["path"], ""), help=help_text)


def _missing_files(files: Mapping[str, Diagnostic]) -> list[Diagnostic]:
    return [told for path, told in files.items() if not os.path.exists(os.path.expanduser(path))]
