"""``orch``: says what there is, and what was meant by a command that there is not."""

from nu_plugin_orch.call import WrongArgument
from nu_plugin_orch.protocol.signature import positional, signature

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Arguments, Wire
    from nu_plugin_orch.protocol.typed_line import Typed

SIGNATURE = signature(
    "orch",
    "Look at batch workflows, and start and stop them.",
    output="String",
    extra=(
        "All read the plain files of a data directory, with its daemon alive or dead. Which one: --data-dir, "
        "$env.ORCH_DATA_DIR, $env.config.plugins.orch.data_dir, the nearest data/state above the current folder, or "
        "~/.local/share/orchestrator/data; the first that there is."
    ),
    optional=[positional("command", "String", "What to do; without it this help is shown")],
    search_terms=["workflow", "batch", "task", "queue", "orchestrator"],
    examples=[("orch", "Show the commands there are")],
)


def questions(arguments: "Arguments") -> "dict[str, str]":  # noqa: ARG001 - the same for every call
    """Nushell knows the help of all commands, with the user's colours."""
    return {"help": "GetHelp"}


def run(call: "Call") -> "Wire":
    """The help text. Raises WrongArgument for a word that is no command: Nushell would not say which there are."""
    word = call.text(0)
    if word is not None:
        from nu_plugin_orch.commands import MODULES
        from orchestrator.files.near import near

        known = [name.removeprefix("orch ") for name in MODULES if name != "orch"]
        told = f"{near(word, known)}There are: {', '.join(known)}."
        raise WrongArgument(0, f"There is no command `orch {word}`.", "not a command", told)
    return call.answers["help"] or call.values.string("")


def complete(_data_dir: str, argument: "str | int", _typed: "Typed") -> "list[tuple[str, str]] | None":
    """Nothing: Nushell itself offers the commands, and would add the files of the folder to them."""
    return [] if argument == 0 else None
