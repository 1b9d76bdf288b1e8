"""Failures as Nushell shows them, with a label on what the user typed (requirement R2-21)."""

from nu_plugin_orch.call import Call, WrongArgument
from nu_plugin_orch.place import FLAG
from nu_plugin_orch.protocol.errors import labeled_error
from orchestrator.model.errors import DefinitionInvalid, OrchestratorError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

    from nu_plugin_orch.protocol.errors import Span

#: Faults of a definition that are shown below the error; `orch validate` gives them all.
_INNER_MAX = 20


def told(error: Exception, call: Call, command: "ModuleType") -> "dict[str, Any]":
    """The error in Nushell's shape: what was tried, why it failed, what to do, and where it was typed.

    ``BLAME`` of a command maps classes of errors to (argument, label): those are its fault.
    """
    if not isinstance(error, OrchestratorError):
        return _bug(error, call)
    prefix = getattr(command, "PREFIX", "")
    inner = [_diagnostic(it) for it in error.diagnostics[:_INNER_MAX]] if isinstance(error, DefinitionInvalid) else []
    return labeled_error(
        f"{prefix}: {error.message}" if prefix else error.message,
        label=_label(error, call, command),
        code=error.code,
        help=error.help,
        inner=inner,
    )


def interrupted(call: Call, note: str) -> "dict[str, Any]":
    """The error of a call that Ctrl-C ended; `note` says what becomes of what it had begun."""
    return labeled_error(
        "Interrupted", label=("this call was interrupted", call.arguments.head), code="orch::interrupted", help=note
    )


def _label(error: OrchestratorError, call: Call, command: "ModuleType") -> "tuple[str, Span]":
    blame: dict[type[OrchestratorError], tuple[str | int, str]] = getattr(command, "BLAME", {})
    argument, text = blame.get(type(error), (FLAG, "this data directory"))
    if isinstance(error, WrongArgument):
        argument, text = error.argument, error.label
    span = call.span_of(argument)
    return ("here", call.arguments.head) if span is None else (text, span)


def _diagnostic(fault: "dict[str, Any]") -> "dict[str, Any]":
    place = ":".join(str(fault[name]) for name in ("file", "line", "column") if fault.get(name) is not None)
    message = str(fault.get("message", ""))
    return labeled_error(f"{place}: {message}" if place else message, code=fault.get("code"), help=fault.get("help"))


def _bug(error: Exception, call: Call) -> "dict[str, Any]":
    """What nobody foresaw, with the last steps to it: the call is answered all the same."""
    import traceback

    steps = traceback.extract_tb(error.__traceback__)[-3:]
    return labeled_error(
        f"The plugin failed: {type(error).__name__}: {error}",
        label=("here", call.arguments.head),
        code="orch::bug",
        help="This is a fault of the plugin. If it was updated while it ran: plugin stop orch. "
        + " > ".join(f"{it.name} ({it.filename}:{it.lineno})" for it in steps),
    )
