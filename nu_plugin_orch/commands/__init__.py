"""The commands, one module each, imported when it is first called.

A module has ``SIGNATURE`` (what `nu_plugin_orch.protocol.signature.signature` gives), ``questions(arguments)`` (what
the engine has to be asked first) and ``run(call)``, which returns a value, a `Stream` or a `Later`. It may have
``PREFIX`` (begins its error messages), ``BLAME`` (see `nu_plugin_orch.faults`), ``NOTE`` (what becomes of an
interrupted call) and ``complete(data_dir, argument)`` (what Tab offers).
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

#: {name: module below this package}, in the order of help.
MODULES = {
    "orch": "orch",
    "orch status": "status",
    "orch tasks": "tasks",
    "orch stats": "stats",
    "orch watch": "watch",
    "orch workflows": "workflows",
    "orch workflow": "workflow",
    "orch why": "why",
    "orch graph": "graph",
    "orch at": "at",
    "orch diff": "diff",
    "orch logs": "logs",
    "orch validate": "validate",
    "orch simulate": "simulate",
    "orch eta": "eta",
    "orch submit": "submit",
    "orch check": "check",
    "orch pause": "pause",
    "orch resume": "resume",
    "orch retry": "retry",
    "orch rollback": "rollback",
    "orch resolve": "resolve",
    "orch cancel": "cancel",
}


def load(name: str) -> "ModuleType":
    """The module of the command `name`. Raises KeyError if there is no such command."""
    from importlib import import_module

    return import_module(f"{__name__}.{MODULES[name]}")
