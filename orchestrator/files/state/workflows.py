"""The workflows of a directory as their state files show them, or the archive. Nothing is created or changed."""

import os

from orchestrator.files import document
from orchestrator.files.heads import first_lines
from orchestrator.files.layout import ARCHIVE, ARCHIVE_SUFFIX, STATE_FILE, WORKFLOWS, archive_path, workflow_dir
from orchestrator.files.locate import check_directory, check_format
from orchestrator.files.lock import is_held
from orchestrator.files.permissions import explain
from orchestrator.files.rows import corrupt_row, instants
from orchestrator.files.state.state_shape import check_state
from orchestrator.model.errors import BadId, FormatTooNew, NotFound, WorkflowUnreadable
from orchestrator.model.ids import is_name_id
from orchestrator.model.limits import FILE_BYTES_MAX
from orchestrator.model.states import WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.files.rows import Row

#: Between the four parts of a task's id.
_DOTS_OF_A_TASK = 3


def read_workflow(data_dir: str, workflow: str) -> "Row":
    """The state of one workflow as its state.json shows it, and ``stale``: it is not over, and no daemon runs.

    One that was archived is shown as it was, with ``archived``: the path of its file (its logs are gone).

    Raises:
        BadId: `workflow` can be no workflow's id; nothing was looked up.
        NotFound: there is no such workflow, or none whose state has been written yet.
        WorkflowUnreadable: its state.json cannot be read, or is not JSON.
        FormatTooNew: of the directory or the file.
    """
    if not is_name_id(workflow):
        raise no_workflow_id(workflow)
    check_directory(data_dir)
    try:
        state = _load_anywhere(data_dir, workflow)
    except NotFound as error:
        from orchestrator.files.state.not_there import near_workflows

        error.help = near_workflows(data_dir, workflow) + error.help
        raise
    _mark_stale([state], data_dir)
    return state


def no_workflow_id(given: str) -> BadId:
    """What to tell somebody who names no workflow, but perhaps a task."""
    workflow = given.partition(".")[0]
    if given.count(".") >= _DOTS_OF_A_TASK and is_name_id(workflow):
        return BadId(f"{given!r} is no workflow id.", f"It names a task of {workflow}: `orch why` tells of tasks.")
    return BadId(f"{given!r} is no workflow id.", "`orch workflows` lists the workflows there are.")


def list_workflows(data_dir: str, *, archived: bool = False) -> "list[Row]":
    """Every workflow without its operations and checkpoints, newest first. One that cannot be read says so in a row.

    With `archived` those that went into the archive, too: they have ``archived``, the path of their file.

    Raises:
        WorkflowUnreadable: the folder of workflows, or of the archive, may not be read.
        FormatTooNew: of the directory.
    """
    check_directory(data_dir)
    names = dict.fromkeys(_workflow_names(f"{data_dir}/{WORKFLOWS}"))
    if archived:  # looked for last: one that is archived now is in here or there
        names |= dict.fromkeys(_archived_names(f"{data_dir}/{ARCHIVE}"))
    rows = []
    for name in names:
        try:
            state = _load_anywhere(data_dir, name) if archived else _load_state(data_dir, name)
        except NotFound:
            continue
        except (WorkflowUnreadable, FormatTooNew) as error:
            rows.append(corrupt_row(name, error.message))
            continue
        rows.append({key: value for key, value in state.items() if key not in ("operations", "checkpoints")})
    instant = instants()
    rows.sort(key=lambda row: (-instant(row.get("created_at")), row["id"]))
    _mark_stale(rows, data_dir)
    return rows


def _load_anywhere(data_dir: str, workflow: str) -> "Row":
    """The state of a workflow, which may be archived. Raises as `_load_state`."""
    try:
        return _load_state(data_dir, workflow)
    except NotFound:
        archived = _load_archived(data_dir, workflow)
        if archived is None:
            raise
        return archived


def _load_state(data_dir: str, workflow: str) -> "Row":
    path = f"{workflow_dir(data_dir, workflow)}/{STATE_FILE}"
    try:
        content = {"id": workflow, **document.load(path, FILE_BYTES_MAX)}
        check_format(content.get("format"), path)
        check_state(content, workflow)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"There is no workflow {workflow} in {data_dir}.", "`orch workflows` lists the workflows there are."
        ) from None
    except OSError as error:
        why, remedy = explain(error, path)
        raise WorkflowUnreadable(f"Failed to read workflow file {path}: {why}", remedy) from error
    except document.Malformed as fault:
        raise WorkflowUnreadable(
            f"Failed to parse workflow JSON {path}: {fault}", "Write it anew: orchestrator rebuild"
        ) from fault
    return content


def _load_archived(data_dir: str, workflow: str) -> "Row | None":
    """The workflow's line of its archive file, None if there is none. Raises WorkflowUnreadable."""
    path = archive_path(data_dir, workflow)
    try:
        state = document.parse(first_lines(path, 1, FILE_BYTES_MAX)[0])
        check_format(state.get("format"), path)
        check_state(state, workflow)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        why, remedy = explain(error, path)
        raise WorkflowUnreadable(f"Failed to read archived workflow {path}: {why}", remedy) from error
    except document.Malformed as fault:
        raise WorkflowUnreadable(f"Failed to parse archived workflow {path}: {fault}", "Restore the file.") from fault
    state.pop("entry", None)
    return {**state, "archived": path}


def _archived_names(folder: str) -> "list[str]":
    names = [name[: -len(ARCHIVE_SUFFIX)] for name in _names(folder) if name.endswith(ARCHIVE_SUFFIX)]
    return [name for name in names if is_name_id(name)]


def _workflow_names(folder: str) -> "list[str]":
    return [name for name in _names(folder) if is_name_id(name)]


def _names(folder: str) -> "list[str]":
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        why, remedy = explain(error, folder)
        raise WorkflowUnreadable(f"Failed to read the folder of workflows {folder}: {why}", remedy) from error


def _mark_stale(rows: "list[Row]", data_dir: str) -> None:
    held = is_held(data_dir)
    for row in rows:
        row["stale"] = not held and row.get("status") not in WORKFLOW_FINAL
