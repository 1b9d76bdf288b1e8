"""What several commands tell and take."""

import os
import time

from nu_plugin_orch import place
from nu_plugin_orch.call import WrongArgument
from nu_plugin_orch.place import FLAG
from nu_plugin_orch.protocol.signature import flag
from nu_plugin_orch.protocol.value import NotPlain, plain
from orchestrator.model.errors import NotFound, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Arguments
    from nu_plugin_orch.protocol.typed_line import Typed

DATA_DIR = flag(
    FLAG, "d", "Directory", "Data directory; without it the one of the environment, the checkout or the user"
)

ENVIRONMENT = flag("env", "e", "String", "What its values are for: DEFINITION.NAME.yaml is laid over them")
LAYER = flag("layer", "l", "Filepath", "Lay this YAML file over its values instead")

#: Fields of public files that say nothing about what they describe.
FORMAT_FIELDS = ("format",)

#: What `--workflow` takes (`orchestrator.files.state.workflows_meant`).
WORKFLOW_NAMED = "its id, or its definition (path, or end of it)"

#: Names that a sentence lists.
_NAMES_SHOWN = 10

#: {flag that narrows rows of tasks: what Tab offers for its value}, see `offered`.
TASK_FLAGS = {
    "workflow": "workflows",
    "operation": "operations",
    "item": "items",
    "provider": "providers",
    "task": "tasks",
    "limit": "",
    "tail": "",
    "attempt": "",
    "min-priority": "",
    "max-priority": "",
    "from": "",
    "to": "",
    "since": "",
}


#: Sources of an argument that names the workflow of which a line is.
_NAMING_A_WORKFLOW = frozenset({"workflows", "subjects"})


def questions(arguments: "Arguments") -> "dict[str, str | dict[str, Any]]":
    """What to ask the engine for a command with `LAYER`: the current folder if that is relative."""
    asked = place.questions(arguments)
    return asked or ({"cwd": "GetCurrentDir"} if LAYER["long"] in arguments.named else {})


def questions_of_workflow(arguments: "Arguments") -> "dict[str, str | dict[str, Any]]":
    """The place; and the current folder if `--workflow` is there, which may be the path of a definition."""
    asked = place.questions(arguments)
    return {"cwd": place.EVERYWHERE["cwd"], **asked} if "workflow" in arguments.named else asked


def layer_path(call: "Call") -> "str | None":
    """The absolute path that `LAYER` names, None without it. Raises WrongArgument."""
    text = call.text(LAYER["long"])
    return None if text is None else os.path.normpath(os.path.join(call.cwd, os.path.expanduser(text)))


def definition_path(call: "Call") -> str:
    """The absolute path of the definition that the first argument names.

    Raises:
        NotFound: there is no such file; with the definitions beside it that may be meant.
        WrongArgument: it is no path.
    """
    path = call.path(0)
    if os.path.isdir(path):
        inside = _definitions(path)
        told = f"In it: {', '.join(inside[:_NAMES_SHOWN])}." if inside else "Give the definition itself, a .k file."
        raise NotFound(f"{path} is a directory.", told)
    if not os.path.exists(path):
        from orchestrator.files.near import near

        folder, name = os.path.split(path)
        if not os.path.isdir(folder):
            raise NotFound(f"There is no file {path}.", f"There is no folder {folder}.")
        told = near(name, _definitions(folder))
        raise NotFound(f"There is no file {path}.", f"{told}Relative paths start at the current folder.")
    return path


def _definitions(folder: str) -> "list[str]":
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(".k"))
    except OSError:
        return []


def workflow_ids(data_dir: str, *, unfinished: bool = False) -> "list[tuple[str, str]]":
    """(id, description) of the workflows, newest first, for Tab."""
    return offered(data_dir, "unfinished" if unfinished else "workflows")


def complete_task_flags(data_dir: str, argument: "str | int", typed: "Typed") -> "list[tuple[str, str]] | None":
    """What Tab offers for the value of a flag in `TASK_FLAGS`; ``complete`` of a command that has no others.

    Flags whose words are always the same tell them in the signature (`words`).
    """
    return complete_by(TASK_FLAGS, data_dir, argument, typed)


def complete_by(
    sources: "Mapping[Any, str]", data_dir: str, argument: "str | int", typed: "Typed"
) -> "list[tuple[str, str]] | None":
    """What Tab offers for `argument`, whose source is in `sources`: see `offered`.

    Parts of workflows are those of the workflow that the line names, as an argument or with `--workflow`.
    Without one: file names for a flag, which may take a path; nothing for a position, which the command does not have.
    """
    source = sources.get(argument)
    if source is None:
        return [] if isinstance(argument, int) else None
    named = list(typed.get("workflow", ())) if argument != "workflow" else []
    if argument != 0 and sources.get(0) in _NAMING_A_WORKFLOW:
        named += typed.get(0, ())
    within = typed.get("operation", ()) if argument != "operation" else ()
    return offered(data_dir, source, named, within)


def offered(
    data_dir: str, source: str, workflows: "Sequence[str]" = (), operations: "Sequence[str]" = ()
) -> "list[tuple[str, str]]":
    """(text, description): what a method of `orchestrator.files.state.offers.Offers` gives; nothing for ""."""
    if not source:
        return []
    from orchestrator.files.state.offers import Offers

    return list(getattr(Offers(data_dir, workflows=workflows, operations=operations), source)())


def unknown_word(given: str, known: "Sequence[str]") -> str:
    """Help for a word that is none of `known`: near ones, then all."""
    from orchestrator.files.near import near

    return f"{near(given, list(known))}There are: {', '.join(known)}."


def one_of(call: "Call", name: str, words: "Sequence[str]", what: str) -> "str | None":
    """The value of a flag that takes one of `words`, None without it. Raises WrongArgument."""
    given = call.text(name)
    if given is not None and given not in words:
        raise WrongArgument(name, f"{given!r} is no {what}.", f"not a {what}", unknown_word(given, words))
    return given


def statuses_of(call: "Call", name: str = "status") -> "tuple[str, ...] | None":
    """The words of a flag that takes one or several statuses, None without it. Raises WrongArgument."""
    try:
        given = plain(call.arguments.named.get(name))
    except NotPlain:
        given = 0
    if given is None:
        return None
    words = [given] if isinstance(given, str) else given
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        told = f"`--{name}` takes a status or a list of them."
        raise WrongArgument(name, told, "not a status", f"For example: --{name} [failed timed_out]")
    return tuple(words)


def limit_of(call: "Call") -> "int | None":
    """How many rows are wanted at most, None without a limit. Raises WrongArgument."""
    limit = call.integer("limit")
    if limit is not None and limit < 0:
        from orchestrator.files.tables.task_query import check_limit

        try:
            check_limit(limit)
        except UsageError as error:
            raise WrongArgument.about("limit", error, "less than none") from error
    return limit


def interval_of(call: "Call") -> "tuple[int | None, int | None]":
    """The moments of `--from` and `--to`, None for what is not given. Raises WrongArgument."""
    from orchestrator.files.tables.task_query import check_interval

    now_us = time.time_ns() // 1000
    since_us, until_us = moment_us(call, "from", now_us), moment_us(call, "to", now_us)
    try:
        check_interval(since_us, until_us)
    except UsageError as error:
        raise WrongArgument.about("to", error, "before --from") from error
    return since_us, until_us


def moment_us(call: "Call", name: "str | int", now_us: int) -> "int | None":
    """The moment that an argument names, in microseconds since 1970; None without it.

    It may be a datetime, a duration (so long ago) or a text (`orchestrator.files.moments`). Raises WrongArgument.
    """
    from orchestrator.files.moments import parse_moment

    if isinstance(name, str):
        value = call.arguments.named.get(name)
    else:
        value = dict(enumerate(call.arguments.positional)).get(name)
    if value is None or "Nothing" in value:
        return None
    ((kind, payload),) = value.items()
    if kind == "Duration":
        return now_us - int(payload["val"]) // 1000
    if kind not in ("Date", "String"):
        told = f"A value of kind {kind.lower()} is no moment."
        help_text = "Give a datetime, a duration (so long ago), or a text such as '2025-01-11 10:00' or 'yesterday'."
        raise WrongArgument(name, told, "not a moment", help_text)
    try:
        return parse_moment(payload["val"], now_us)
    except UsageError as error:
        raise WrongArgument.about(name, error, "not a moment") from error
