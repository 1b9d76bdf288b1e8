"""``orch watch``: changes as they happen, as records or as a display."""

import time

from nu_plugin_orch import terminal
from nu_plugin_orch.call import Later, Stream, WrongArgument
from nu_plugin_orch.commands.shared import (
    DATA_DIR,
    FORMAT_FIELDS,
    TASK_FLAGS,
    WORKFLOW_NAMED,
    complete_by,
    moment_us,
    questions_of_workflow,
    statuses_of,
)
from nu_plugin_orch.protocol.signature import flag, positional, signature, table
from nu_plugin_orch.protocol.value import NotPlain, plain
from nu_plugin_orch.readers.cells import Cells
from nu_plugin_orch.readers.changes import ChangeStream
from nu_plugin_orch.readers.until_done import UntilDone
from nu_plugin_orch.terminal import NoTerminal
from orchestrator.files.directory import require_journal
from orchestrator.files.displays.watch_asked import Asked
from orchestrator.files.displays.watching import Watching
from orchestrator.files.journal.change_filter import STATUSES
from orchestrator.files.journal.changes import FolderChanges, follow
from orchestrator.files.lock import is_held
from orchestrator.files.state.workflows import read_workflow
from orchestrator.model.errors import BadId, CursorLost, NotFound, UsageError
from orchestrator.model.states import WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Arguments, Wire
    from nu_plugin_orch.protocol.typed_line import Typed
    from orchestrator.files.displays.watched import Watched
    from orchestrator.files.journal.changes import JournalChanges
    from orchestrator.files.tables.table import TaskTable

__all__ = ["BLAME", "NOTE", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to watch"

BLAME = {
    CursorLost: ("from", "not in the journal"),
    UsageError: ("from", "not a position here"),
    NoTerminal: ("live", "needs a terminal"),
}

NOTE = "Nothing was changed."

#: What a display does not take: it begins with what there is, and shows everything of it.
_NOT_LIVE = ("from", "since", "heartbeat", "operation", "item", "task", "status", "reasons")

#: Of a heartbeat.
_HEARTBEAT_NS_MIN = 10_000_000

#: What is returned of a workflow that was displayed to its end.
_OUTCOME = ("id", "name", "status", "reason", "finished_at", "duration_ms", "tasks")

#: How long the file of a workflow that has ended is waited for.
_FILE_BEHIND_S = 5.0

#: Ids that a sentence lists.
_SHOWN_MAX = 10

#: {argument: what is written under a word that nothing can have}.
_LABELS = {"status": "never comes", "operation": "not in this workflow", "item": "not in this workflow"}

_SEVERAL = "Any"

SIGNATURE = signature(
    "orch watch",
    "Stream changes of tasks and workflows as they happen, or show them live.",
    output=table(
        {
            "time": "Date",
            "seq": "Int",
            "workflow": "String",
            "task": "String",
            "previous_status": "String",
            "status": "String",
            "attempt": "Int",
            "reason": "String",
            "cursor": "String",
        }
    ),
    extra=(
        "With --live it draws progress in place, for people: q, Esc or Ctrl-C ends it, and so does the end of the "
        "workflow, whose state is then returned.\n\n"
        "Without it there is a record for each change. It ends with Ctrl-C, or when nothing reads it any more "
        "(`first 3`; so `orch watch --status failed | first 1` waits for the next failure); with --until-done when the "
        "workflow has ended, and with an error when its daemon is gone before and no other has come for ten seconds. "
        "A change without a task is the workflow's. `cursor` is the place behind a record: --from goes on there, and "
        "nothing is lost or repeated, also by another daemon. A heartbeat is a record without a status; its `daemon` "
        "says whether one runs. A definition is every workflow of it, also one that is submitted later; what its path "
        "means is decided when the watch begins. The table display of Nushell shows what came about once a second; "
        "`each {|it| print $it.task }` shows it at once. Ctrl-C ends every running stream, also that of a job."
    ),
    flags=[
        flag("live", "l", None, "Show progress in place, redrawn on the terminal; of one workflow or of all"),
        flag("workflow", "w", _SEVERAL, f"Only changes of this workflow, or of one of a list: {WORKFLOW_NAMED}"),
        flag("operation", "o", _SEVERAL, "Only of tasks of this operation, or of one of a list"),
        flag("item", "i", _SEVERAL, "Only of tasks on this item, or on one of a list"),
        flag("task", "t", _SEVERAL, "Only of this task, or of one of a list"),
        flag("status", "s", _SEVERAL, "Only changes to this status, or to one of a list", words=STATUSES),
        flag("reasons", "r", None, "Also tell when only the reason changed, for example what a task waits for"),
        flag("from", "f", "String", "Begin behind this cursor, also <epoch>:<seq> of a status; 0:0 is the beginning"),
        flag("since", None, "Any", "Begin at this moment: a datetime, a duration (ago), a text such as '10min ago'"),
        flag("until-done", "u", None, "With one workflow: end with it, or with an error when no daemon runs any more"),
        flag("heartbeat", None, "Duration", "Also give a record whenever nothing came for so long"),
        DATA_DIR,
    ],
    search_terms=["workflow", "follow", "tail", "live", "events", "progress", "display", "bar"],
    examples=[
        ("orch watch --from 0:0 | first 3", "Show the first three changes there ever were"),
        ("orch watch --from 0:0 --status [failed timed_out] | first 1", "Find the first failure, or wait for one"),
        ("orch watch --from 0:0 | first 10 | each {|it| $'($it.task) is ($it.status)' }", "Ten changes as lines"),
        ("orch watch --heartbeat 1sec | first 1 | get cursor", "Know where to go on later"),
    ],
)
SIGNATURE["sig"]["optional_positional"] = [positional("id", "String", "The workflow, as with --workflow")]


def questions(arguments: "Arguments") -> "dict[str, str | dict[str, Any]]":
    """What to ask the engine: for a display the terminal, too."""
    asked = questions_of_workflow(arguments)
    return {**asked, **terminal.QUESTIONS} if "live" in arguments.named else asked


def run(call: "Call") -> "Stream | Later":
    """A stream of the changes, or a display."""
    words = _workflows(call)
    if call.switch("live"):
        return _live(call, words)
    asked = Asked(
        call.data_dir,
        call.cwd,
        workflows=words,
        operations=_words(call, "operation"),
        items=_words(call, "item"),
        tasks=_words(call, "task"),
        statuses=statuses_of(call) or (),
        reasons=call.switch("reasons"),
    )
    heartbeat_s = _heartbeat_s(call)
    changes = _follow(call)

    def work() -> Stream:
        try:
            return _watched(call, asked, changes, heartbeat_s)
        except Exception:
            changes.close()
            raise

    return Later(work) if asked.takes_long else work()


def _watched(
    call: "Call", asked: Asked, changes: "JournalChanges | FolderChanges", heartbeat_s: "float | None"
) -> Stream:
    try:
        wanted, watched = asked.look_up(changes, lambda: _table(call))
    except (BadId, NotFound, UsageError) as error:
        label = _LABELS.get(asked.blamed, "not known here")
        raise WrongArgument.about(_blamed(call, asked.blamed), error, label) from error
    for told in asked.warnings:
        call.warn(told)
    chosen: JournalChanges | FolderChanges | UntilDone = changes
    if call.switch("until-done"):
        chosen = _until_done(call, changes, watched)
    return Stream(ChangeStream(Watching(chosen, changes, wanted, call.data_dir, heartbeat_s), call.values))


def _table(call: "Call") -> "TaskTable":
    """The tasks; only names of parts are looked for in them."""
    from nu_plugin_orch.readers.tables import table_of

    return table_of(call.data_dir)


def _blamed(call: "Call", name: str) -> "str | int":
    """Where the word stands that is given as `name`."""
    return 0 if name == "workflow" and call.text(0) is not None else name


def complete(data_dir: str, argument: "str | int", typed: "Typed") -> "list[tuple[str, str]] | None":
    """Ids of workflows, tasks, and so on."""
    return complete_by({**TASK_FLAGS, 0: "workflows", "heartbeat": ""}, data_dir, argument, typed)


def _workflows(call: "Call") -> "list[str]":
    first = call.text(0)
    given = _words(call, "workflow")
    if first is not None and given:
        told = "The workflow was given twice."
        raise WrongArgument("workflow", told, "and once more here", "Several are a list: --workflow [a b]")
    return given if first is None else [first]


def _words(call: "Call", name: str) -> "list[str]":
    """One word or several. Numbers are words: Nushell takes `--item 3` for one."""
    try:
        found = plain(call.arguments.named.get(name))
    except NotPlain as kind:
        found = [kind]
    words = found if isinstance(found, list) else [] if found is None else [found]
    if any(type(word) not in (str, int) for word in words):
        told = f"`--{name}` takes a string or a list of strings."
        raise WrongArgument(name, told, "not a string", f"For example: --{name} [a b]")
    return [str(word) for word in words]


def _follow(call: "Call") -> "JournalChanges | FolderChanges":
    cursor = call.text("from")
    now_us = time.time_ns() // 1000
    since_us = moment_us(call, "since", now_us)
    if since_us is None:
        return follow(call.data_dir, cursor)
    if cursor is not None:
        told = "--from and --since both say where to begin."
        raise WrongArgument("since", told, "or this", "A cursor is exact; a moment may be that of several records.")
    if since_us > now_us:
        raise WrongArgument("since", "--since lies in the future.", "not yet", "Leave it out to begin now.")
    try:
        changes = follow(call.data_dir, since_us=since_us)
    except UsageError as error:
        raise WrongArgument("since", error.message, "nobody knows", error.help) from error
    if not isinstance(changes, FolderChanges) and changes.oldest is not None:
        call.warn(f"the journal is kept from {changes.oldest} on; what happened before is not told.")
    return changes


def _heartbeat_s(call: "Call") -> "float | None":
    length_ns = call.duration_ns("heartbeat")
    if length_ns is not None and length_ns < _HEARTBEAT_NS_MIN:
        raise WrongArgument("heartbeat", "A heartbeat is 10ms at least.", "too short", "For example: --heartbeat 5sec")
    return None if length_ns is None else length_ns / 1e9


def _until_done(call: "Call", changes: "JournalChanges | FolderChanges", watched: "Watched | None") -> UntilDone:
    if watched is None or len(watched.ids) != 1 or isinstance(changes, FolderChanges):
        text = "--until-done needs --workflow, in a directory with a journal."
        few = sorted(watched.ids)[:_SHOWN_MAX] if watched is not None else []
        told = f"Name one: {', '.join(few)}." if few else "`orch workflows` lists those there are."
        raise WrongArgument("until-done", text, "of which workflow?", told)
    changes.heard = None  # this one's end is waited for, whatever else is submitted
    return UntilDone(changes, call.data_dir, next(iter(watched.ids)), call.warn)


# --- the display -----------------------------------------------------------------------------------------------


def _live(call: "Call", workflows: "list[str]") -> Later:
    from nu_plugin_orch.live import Live

    for name in _NOT_LIVE:
        if "Nothing" not in (call.arguments.named.get(name, {"Nothing": None}) or ()):
            told = f"--live begins with what there is and shows all of it; --{name} is for the records."
            raise WrongArgument(name, told, "not with --live")
    if len(workflows) > 1:
        raise WrongArgument("workflow", "--live shows one workflow, or all.", "several", "Leave it out to see all.")
    try:
        require_journal(call.data_dir)
    except UsageError as error:
        raise WrongArgument.about("live", error, "nothing to show") from error
    workflow = _only(call, workflows[0]) if workflows else None
    if _environment(call, "term") in ("", "dumb"):
        told = "This terminal can only print lines (TERM is dumb, or not set)."
        raise NoTerminal(told, "Without --live the changes come as records.")
    screen = terminal.Terminal(colour=not _environment(call, "no_color"), group=_group(call))
    shown = Live(call.data_dir, workflow, screen)

    def work() -> "Wire":
        if not shown.run() or workflow is None:
            return call.values.nothing()
        return Cells(call.values).record(_outcome(call.data_dir, workflow), FORMAT_FIELDS)

    return Later(work, shown.stop)


def _only(call: "Call", given: str) -> str:
    """The id of the workflow that is meant. Raises WrongArgument."""
    from orchestrator.files.displays.watched import only_one

    try:
        return only_one(call.data_dir, given, call.cwd)
    except NotFound as error:
        raise WrongArgument.about(_blamed(call, "workflow"), error, "not known here") from error


def _outcome(data_dir: str, workflow: str) -> "dict[str, Any]":
    """How a workflow ended, once its file says so, too: that follows the journal by a moment."""
    end = time.monotonic() + _FILE_BEHIND_S
    state = read_workflow(data_dir, workflow)
    while state.get("status") not in WORKFLOW_FINAL and time.monotonic() < end and is_held(data_dir):
        time.sleep(0.01)
        state = read_workflow(data_dir, workflow)
    return {name: state.get(name) for name in _OUTCOME}


def _environment(call: "Call", name: str) -> str:
    """The value of a variable that the engine was asked for."""
    value = call.answers.get(name) or {}
    return str(value["String"]["val"]) if "String" in value else ""


def _group(call: "Call") -> "int | None":
    """The process group that has the terminal, if this process has to join it: in a script."""
    value = call.answers.get("foreground") or {}
    return int(value["Int"]["val"]) if "Int" in value else None
