"""Whether a workflow is there at all, asked before somebody waits for it.

A change of a workflow that is not there never comes: whoever waits for one has mistyped the id, and is told at once.
"""

import os

from orchestrator.files.layout import WORKFLOWS, archive_path, workflow_dir
from orchestrator.files.locate import check_directory
from orchestrator.files.read import no_workflow_id
from orchestrator.files.steer import near
from orchestrator.model.errors import NotFound
from orchestrator.model.ids import is_name_id

#: Names among which near ones are looked for.
_NAMES_MAX = 5000


def require_workflow(data_dir: str, workflow: str) -> None:
    """Return if `workflow` is there, or was archived. A foreign directory keeps no workflows: any name is right there.

    Raises:
        BadId: it can be no workflow's id.
        NotFound: it is not there, with near names.
        FormatTooNew: of the directory.
    """
    if not check_directory(data_dir):
        return
    if not is_name_id(workflow):
        raise no_workflow_id(workflow)
    if os.path.isdir(workflow_dir(data_dir, workflow)) or os.path.exists(archive_path(data_dir, workflow)):
        return
    raise NotFound(
        f"There is no workflow {workflow} in {data_dir}.",
        near_workflows(data_dir, workflow) + "`orch workflows` lists the workflows there are.",
    )


def near_workflows(data_dir: str, workflow: str) -> str:
    """A sentence and a blank that name the workflows that may be meant by `workflow`; "" if none is near."""
    try:
        known = sorted(name for name in os.listdir(f"{data_dir}/{WORKFLOWS}") if is_name_id(name))[:_NAMES_MAX]
    except OSError:
        known = []
    return near(workflow, known)
