"""What can be typed next on a command line of `orchestrator`: for Tab, in every shell.

The words are read against the parsers of the commands themselves, so a new option is offered as soon as it is there.
What stands for an id is looked up in the data directory (`orchestrator.files.state.offers`), within a bounded time.

There are libraries for this. argcomplete asks at each Tab, too, but wants every parser of the program for it, and knows
no Nushell. shtab writes scripts that are old with the next version, knows no Nushell either, and nothing of the words
before the cursor: ``logs ID --operation`` would offer the operations of every workflow.
"""

from __future__ import annotations

import argparse
import os

from orchestrator.files.journal.change_filter import STATUSES
from orchestrator.files.locate import find_data_dir
from orchestrator.files.rows import CORRUPT
from orchestrator.files.state.definition_files import definition_files
from orchestrator.files.state.offers import Offers
from orchestrator.interfaces.cli import COMMANDS
from orchestrator.model.errors import OrchestratorError
from orchestrator.model.states import TASK_STATUSES, WORKFLOW_FINAL, WORKFLOW_STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    #: What is typed, and what it is.
    Offer = tuple[str, str]

#: Answers that only the shell can work out: it knows how it quotes.
FILES, DEFINITIONS, FOLDERS = ":files", ":files k", ":folders"

#: What stands for a file or a folder, by the name under which the parsers keep it.
PATHS = {"file": DEFINITIONS, "definition": DEFINITIONS, "layer": FILES, "data_dir": FOLDERS, "output": FILES}

#: What is looked up, likewise (`_known`). For the rest nothing is offered.
LOOKED_UP = frozenset({"workflow", "subject", "task", "status", "operation", "focus", "item", "provider", "to", "env"})

#: {command: what a workflow must be to be meant by it}.
_MEANT = {
    "cancel": tuple(it for it in WORKFLOW_STATUSES if it not in WORKFLOW_FINAL),
    "pause": ("queued", "running", "rolling_back"),
    "resume": ("paused",),
    "retry": ("running", *WORKFLOW_FINAL),
    "rollback": tuple(it for it in WORKFLOW_STATUSES if it not in ("rolling_back", "rolled_back")),
    "eta": tuple(it for it in WORKFLOW_STATUSES if it not in WORKFLOW_FINAL),
}

#: {command: statuses that something has there}, where these are not those of tasks.
_STATUSES = {"workflows": WORKFLOW_STATUSES, "watch": STATUSES, "tasks": (*TASK_STATUSES, CORRUPT)}

#: Commands that can do nothing with a workflow that another one has continued.
_NOT_CONTINUED = ("retry", "rollback")


class Line:
    """A line as far as it has been typed, read against the parser of its command.

    Attributes:
        command: its first word.
        given: {name under which the parser keeps it: the last word given for it}.
        asked: what the last word is for: an action of the parser, or None if that is an option's name.
        options: actions that have a name.
    """

    def __init__(self, command: str, parser: argparse.ArgumentParser, words: Sequence[str]) -> None:
        """`words`: those behind the command, the last one being typed."""
        self.command = command
        self.given: dict[str, str] = {}
        self.options = [it for it in parser._actions if it.option_strings]
        self._places = [it for it in parser._actions if not it.option_strings]
        waiting = None
        for word in words[:-1]:
            waiting = self._take(word, waiting)
        self.asked = waiting
        if waiting is None and not words[-1].startswith("-"):
            self.asked = self._places[0] if self._places else None

    def _take(self, word: str, waiting: argparse.Action | None) -> argparse.Action | None:
        """Note what `word` is; the option whose value comes next, if it is one that takes one."""
        if waiting is not None:
            self.given[waiting.dest] = word
            return None
        name, equals, value = word.partition("=")
        if name.startswith("-"):
            action = self.named(name)
            if action is None or action.nargs == 0:
                return None
            if equals:
                self.given[action.dest] = value
            return None if equals else action
        if self._places:
            self.given[self._places[0].dest] = word
            if self._places[0].nargs not in ("*", "+", argparse.REMAINDER):
                del self._places[0]
        return None

    def named(self, name: str) -> argparse.Action | None:
        """The option of this name."""
        return next((it for it in self.options if name in it.option_strings), None)


def offered(words: Sequence[str]) -> list[Offer]:
    """What fits in the place of the last of `words`, those behind ``orchestrator``; or one of the answers above."""
    words = _joined(words)
    typed = words[-1]
    if len(words) == 1 or (len(words) == 2 and words[0] == "help"):
        return _beginning(typed, _commands(first=len(words) == 1))
    if words[0] not in COMMANDS:
        return []
    line = Line(words[0], parser_of(words[0]), words[1:])
    if line.asked is not None:
        return _beginning(typed, _values(line, line.asked, typed))
    name, equals, value = typed.partition("=")
    if equals:  # --status=fa
        action = line.named(name)
        found = [] if action is None else _values(line, action, value)
        return [(f"{name}={text}", told) for text, told in _beginning(value, found) if not text.startswith(":")]
    return _beginning(typed, _options(line))


def parser_of(command: str) -> argparse.ArgumentParser:
    """The parser of a command, as `cli.main` makes it."""
    from orchestrator.interfaces.cli.parser import Parser

    module = __import__(f"orchestrator.interfaces.cli.{command}", fromlist=["add_arguments"])
    parser = Parser(command, module.__doc__)
    module.add_arguments(parser)
    return parser


def visible(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Everything that a command takes and tells of."""
    return (it for it in parser._actions if it.help is not argparse.SUPPRESS)


def _joined(words: Sequence[str]) -> list[str]:
    """Undo what bash does: it breaks ``--status=failed`` into three words. The value stands behind the name then."""
    found: list[str] = []
    for number, word in enumerate(words):
        if word == "=" and found and found[-1].startswith("--"):
            if number == len(words) - 1:
                found.append("")
        else:
            found.append(word)
    return found or [""]


def _commands(*, first: bool) -> list[Offer]:
    found = list(COMMANDS.items())
    return [*found, ("help", "tell more of a command"), ("--version", ""), ("--help", "")] if first else found


def _options(line: Line) -> list[Offer]:
    return [
        (max(it.option_strings, key=len), it.help or "")
        for it in line.options
        if it.help is not argparse.SUPPRESS and (it.dest not in line.given or _repeats(it))
    ]


def _repeats(action: argparse.Action) -> bool:
    return isinstance(action, argparse._AppendAction)


def _values(line: Line, action: argparse.Action, typed: str) -> list[Offer]:
    """What can stand for `action`; one of the answers above for what the shell knows better."""
    if action.choices is not None:
        return [(str(it), "") for it in action.choices]
    if action.dest in PATHS:
        return [(PATHS[action.dest], "")]
    if action.dest not in LOOKED_UP:
        return []
    try:
        return _known(line, action, typed)
    except (OrchestratorError, OSError):  # no place to tell of it: somebody is typing
        return []


def _known(line: Line, action: argparse.Action, typed: str) -> list[Offer]:
    directory = find_data_dir(line.given.get("data_dir"), env=os.environ, cwd=os.getcwd())
    named = line.given.get("workflow") or line.given.get("subject")
    within = line.given.get("operation")
    offers = Offers(
        directory, workflows=[named] if named else [], operations=[within] if within else [], cwd=os.getcwd()
    )
    match action.dest:
        case "workflow":
            if line.command == "logs" and "." in typed:
                return Offers(directory).tasks()
            return offers.workflows(_MEANT.get(line.command), continued=line.command not in _NOT_CONTINUED)
        case "subject":
            return _subjects(line, offers, typed)
        case "task":
            return offers.tasks(["unknown"]) if line.command == "resolve" else offers.tasks()
        case "status":
            return [(it, "") for it in _STATUSES.get(line.command, TASK_STATUSES)]
        case "operation" | "focus":
            return offers.operations()
        case "item":
            return offers.items()
        case "provider":
            return offers.providers()
        case "to":
            return offers.restore_points()
        case "env":
            return _environments(line)
    return []


def _subjects(line: Line, offers: Offers, typed: str) -> list[Offer]:
    """What the first word of a command is about, where that may be more than a workflow."""
    if line.command == "watch":
        return offers.workflows()
    if line.command == "graph":
        return _beginning(typed, [*offers.workflows(), *definition_files(os.getcwd())]) or [(DEFINITIONS, "")]
    return [*offers.workflows(), *(offers.tasks() if "." in typed else offers.open_tasks())]


def _environments(line: Line) -> list[Offer]:
    """``prod`` for each ``deploy.prod.yaml`` beside ``deploy.k``."""
    folder, name = os.path.split(os.path.expanduser(line.given.get("file", "")))
    stem = f"{name.removesuffix('.k')}."
    suffixes = (".yaml", ".yml")
    found = [it for it in os.listdir(folder or ".") if it.startswith(stem) and it.endswith(suffixes)] if name else []
    return [(it[len(stem) :].rsplit(".", 1)[0], it) for it in sorted(found) if it.count(".") > 1]


def _beginning(typed: str, found: list[Offer]) -> list[Offer]:
    """Those of `found` that begin with what is typed. The answers for the shell stay."""
    return [it for it in found if it[0].startswith((typed, ":"))]
