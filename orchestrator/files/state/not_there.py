"""What is said of a workflow, a task or a part of one that is not there: the same words in every command."""

import os

from orchestrator.files.layout import ARCHIVE, ARCHIVE_SUFFIX, WORKFLOWS
from orchestrator.files.near import near
from orchestrator.model.errors import NotFound
from orchestrator.model.ids import is_name_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Names among which near ones are looked for, and names that a sentence lists.
_NAMES_MAX = 5000
_SHOWN_MAX = 20

#: Runs of a name that are named.
_RUNS_SHOWN = 3

#: Between the four parts of a task's id.
_DOTS_OF_A_TASK = 3

#: Where the workflows can be seen.
LISTED = "`orch workflows` lists the workflows there are."


def no_workflow(data_dir: str, given: str, definitions: "Mapping[str, str] | None" = None) -> NotFound:
    """The failure for a word that names no workflow.

    `definitions` are the paths of those that there are, by their ids, where a path may have been meant.
    """
    hint = _task_hint(given)
    if not hint:
        names = known_workflows(data_dir) or sorted(definitions or ())
        word = given
        if definitions and not is_name_id(given):
            word = given.rpartition("/")[2]
            names = names + sorted({path.rpartition("/")[2] for path in definitions.values()})
        hint = (_runs_meant(data_dir, given, names) or near(word, names)) + LISTED
    return NotFound(f"There is no workflow {given} in {data_dir}.", hint)


def no_task(data_dir: str, task: str, known: "Sequence[str]") -> NotFound:
    """The failure for the id of a task, of which the workflow has none; `known` are its tasks."""
    listed = f"`orch tasks --workflow {task.partition('.')[0]}` lists its tasks."
    return NotFound(f"There is no task {task} in {data_dir}.", near(task, list(known)[:_NAMES_MAX]) + listed)


def no_part(part: str, given: str, where: str, known: "Sequence[str]") -> "tuple[str, str]":
    """(message, help) for an operation, an item or a provider that `where` has not; `known` are those it has."""
    few = f"There are: {', '.join(known)}." if 0 < len(known) <= _SHOWN_MAX else ""
    told = (near(given, list(known)[:_NAMES_MAX]) + few).strip()
    return f"There is no {part} {given} in {where}.", told


def known_workflows(data_dir: str) -> "list[str]":
    """Ids of the workflows that are there, or in the archive."""
    try:
        names = os.listdir(f"{data_dir}/{ARCHIVE}")
    except OSError:
        names = []
    archived = [name[: -len(ARCHIVE_SUFFIX)] for name in names if name.endswith(ARCHIVE_SUFFIX)][:_NAMES_MAX]
    return sorted({*workflows_on_disk(data_dir), *filter(is_name_id, archived)})


def near_workflows(data_dir: str, workflow: str) -> str:
    """A sentence and a blank that name the workflows that may be meant by `workflow`; "" if none is near."""
    known = known_workflows(data_dir)
    return _runs_meant(data_dir, workflow, known) or near(workflow, known)


def _runs_meant(data_dir: str, name: str, known: "Sequence[str]") -> str:
    """What to tell somebody who gave the name of workflows: that it is one, and its newest runs; "" if it is none."""
    from orchestrator.files.state.runs import runs_of

    runs = runs_of(data_dir, name, known)
    if not runs:
        return ""
    if len(runs) == 1:
        return f"{name} is a name, and its run has an id. Did you mean {runs[0]}? "
    few = " or ".join([f"{runs[0]} (the newest)", *runs[1:_RUNS_SHOWN]])
    return f"{name} is a name, and each run of it has an id. Did you mean {few}? "


def workflows_on_disk(data_dir: str) -> "list[str]":
    """Ids of the workflows that have a folder, some of very many; none if they cannot be listed."""
    try:
        return sorted(name for name in os.listdir(f"{data_dir}/{WORKFLOWS}") if is_name_id(name))[:_NAMES_MAX]
    except OSError:
        return []


def _task_hint(given: str) -> str:
    """Help for somebody who gave the id of a task."""
    workflow = given.partition(".")[0]
    if given.count(".") < _DOTS_OF_A_TASK or "/" in given or not is_name_id(workflow):
        return ""
    return f"It names a task of {workflow}: `orch why` tells of tasks."
