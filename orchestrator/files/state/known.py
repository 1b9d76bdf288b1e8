"""Whether a workflow is there at all, asked before somebody waits for it.

A change of a workflow that is not there never comes: whoever waits for one has mistyped the id, and is told at once.
"""

import os

from orchestrator.files.layout import archive_path, workflow_dir
from orchestrator.files.locate import check_directory
from orchestrator.files.state.not_there import no_workflow
from orchestrator.files.state.workflows import no_workflow_id
from orchestrator.model.ids import is_name_id


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
    raise no_workflow(data_dir, workflow)
