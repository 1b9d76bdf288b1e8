"""``orch``: says what there is."""

from nu_plugin_orch.protocol.signature import signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Arguments, Wire

SIGNATURE = signature(
    "orch",
    "Look at batch workflows, and start and stop them.",
    output="String",
    extra=(
        "All read the plain files of a data directory, with its daemon alive or dead. Which one: --data-dir, "
        "$env.ORCH_DATA_DIR, $env.config.plugins.orch.data_dir, the nearest data/state above the current folder, or "
        "~/.local/share/orchestrator/data; the first that there is."
    ),
    search_terms=["workflow", "batch", "task", "queue", "orchestrator"],
    examples=[("orch", "Show the commands there are")],
)


def questions(arguments: "Arguments") -> "dict[str, str]":  # noqa: ARG001 - the same for every call
    """Nushell knows the help of all commands, with the user's colours."""
    return {"help": "GetHelp"}


def run(call: "Call") -> "Wire":
    """The help text."""
    return call.answers["help"] or call.values.string("")
