"""What several commands tell and take."""

from nu_plugin_orch.place import FLAG
from nu_plugin_orch.protocol.signature import flag
from orchestrator.model.states import WORKFLOW_FINAL

DATA_DIR = flag(
    FLAG, "d", "Directory", "Data directory; without it the one of the environment, the checkout or the user"
)

#: Fields of public files that say nothing about what they describe.
FORMAT_FIELDS = ("format",)


def workflow_ids(data_dir: str, *, unfinished: bool = False) -> "list[tuple[str, str]]":
    """(id, description) of the workflows, newest first, for Tab."""
    from orchestrator.files.read import list_workflows

    return [
        (row["id"], f"{row['status']}, {row.get('name', '')}".removesuffix(", "))
        for row in list_workflows(data_dir)
        if not (unfinished and row["status"] in WORKFLOW_FINAL)
    ]
