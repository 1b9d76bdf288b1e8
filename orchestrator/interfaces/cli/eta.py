"""How long a workflow still takes, as far as can be known. Reads files only, with the daemon alive or dead.

What runs takes what is left of its usual time, the rest its usual time, and nothing else fails. How long that is comes
from earlier runs in the data directory, or else is assumed. What stands behind a task that is unknown waits for
`orchestrator resolve`; that time cannot be known, and is not in it.

Examples:
  orchestrator eta deploy-4k7q0d
  orchestrator eta deploy-4k7q0d --json | jq .remaining_ms
"""

from __future__ import annotations

import sys

from orchestrator.files.layout import workflow_dir
from orchestrator.files.state.workflows import read_workflow
from orchestrator.files.why.words import until_resolved
from orchestrator.interfaces.cli.foresight import duration, show_path
from orchestrator.interfaces.cli.output import clean, data_dir, print_json, say
from orchestrator.interfaces.cli.simulate import seconds_ms
from orchestrator.model.states import WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `eta` takes."""
    parser.add_argument("workflow", metavar="WORKFLOW", help="its id")
    parser.add_argument("--assume", metavar="SECONDS", help="for tasks of which nothing is known (60)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Rehearse what is left and show it."""
    directory, workflow = data_dir(options), options.workflow
    state = read_workflow(directory, workflow)
    if state["status"] in WORKFLOW_FINAL:
        _print({"workflow": workflow, "status": state["status"], "remaining_ms": 0, "tasks": 0}, options)
        return 0
    from orchestrator.definitions.evaluator.rest import look
    from orchestrator.files.asking.foresight import underway

    assumed = {} if options.assume is None else {"assumed_ms": seconds_ms(options.assume)}
    left = look(workflow_dir(directory, workflow), *underway(directory, workflow, state, assumed))
    _print({"workflow": workflow, **left, "note": until_resolved("orchestrator", left["unknown"]) or None}, options)
    if state.get("stale"):
        say(f"warning: No daemon runs on {directory}: the workflow goes on with the next one.")
    return 0


def _print(found: dict[str, Any], options: argparse.Namespace) -> None:
    if options.json:
        print_json(found)
        return
    if found["status"] in WORKFLOW_FINAL:
        sys.stdout.write(f"{clean(found['workflow'])} is over: {found['status']}\n")
        return
    tasks = "1 task" if found["tasks"] == 1 else f"{found['tasks']} tasks"
    sure = f"{found['recorded']} with a recorded duration, {found['similar']} as similar ones"
    sys.stdout.write(f"{clean(found['workflow'])}: about {duration(found['remaining_ms'])} left, {tasks} ({sure})\n")
    if found["note"]:
        sys.stdout.write(f"{clean(found['note'])}\n")
    show_path(found["critical_path"], found["remaining_ms"])
