"""Whether a task is there at all, asked before somebody waits for it. For workflows: `files.state.known`."""

from orchestrator.files.locate import check_directory
from orchestrator.files.state.known import require_workflow
from orchestrator.files.state.not_there import no_task
from orchestrator.files.state.workflows import read_workflow
from orchestrator.model.errors import OrchestratorError
from orchestrator.model.ids import task_id


def require_task(data_dir: str, task: str) -> None:
    """Return if `task` is there, or if nobody can say: in a foreign directory, or before its workflow's first file.

    Raises:
        BadId, NotFound: it or its workflow is not there; with near names.
        FormatTooNew: of the directory.
    """
    if not check_directory(data_dir):
        return
    workflow = task.partition(".")[0]
    require_workflow(data_dir, workflow)
    try:
        known = [
            task_id(workflow, operation["id"], entry["provider"], entry["item"])
            for operation in read_workflow(data_dir, workflow)["operations"]
            for entry in operation["items"]
        ]
    except (OrchestratorError, KeyError, TypeError):
        return
    if task not in known:
        raise no_task(data_dir, task, known)
