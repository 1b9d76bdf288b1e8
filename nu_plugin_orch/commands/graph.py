"""``orch graph``: what waits for what in a workflow, or in a definition before it runs.

A plugin cannot know whether its answer is shown or goes on in a pipeline, so what people want at a prompt is the
default: a picture, as text. Pipelines ask for ``--format record``.
"""

import os

from nu_plugin_orch.call import Later, WrongArgument
from nu_plugin_orch.commands.shared import DATA_DIR, ENVIRONMENT, LAYER, complete_by, layer_path, one_of, questions
from nu_plugin_orch.protocol.signature import flag, positional, signature
from nu_plugin_orch.readers.cells import Cells
from orchestrator.files.graph.formats import FORMATS, drawn
from orchestrator.files.graph.rows import as_record
from orchestrator.files.graph.source import NoSuchOperation, focus, is_definition, of_definition, of_workflow
from orchestrator.files.graph.svg import TooLarge
from orchestrator.files.graph.text import WIDTH, WIDTH_MIN, picture
from orchestrator.model.errors import BadId, DefinitionInvalid, NotFound, WorkflowUnreadable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from nu_plugin_orch.call import Call
    from nu_plugin_orch.protocol.messages import Wire
    from nu_plugin_orch.protocol.typed_line import Typed
    from orchestrator.files.graph.model import Graph

__all__ = ["BLAME", "DEFINITION", "NOTE", "PREFIX", "SIGNATURE", "complete", "questions", "run"]

PREFIX = "Failed to draw the graph"

NOTE = "Nothing was changed."

#: The argument for which Tab offers definitions, too.
DEFINITION = 0

BLAME = {
    BadId: (0, "not an id"),
    NotFound: (0, "not known here"),
    DefinitionInvalid: (0, "has errors"),
    WorkflowUnreadable: (0, "this workflow"),
    TooLarge: (0, "too large for a picture"),
    NoSuchOperation: ("focus", "not in this workflow"),
}

SIGNATURE = signature(
    "orch graph",
    "Show what waits for what in a workflow, and how far it is; or in a definition (KCL) before it runs.",
    output="Any",
    extra=(
        "A picture as text, or with `--format record` a record with tables of `nodes` and `edges`; the other formats "
        "are text for other programs. Operations are shown; with `--tasks` their tasks, too. Reads plain files only, "
        "with the daemon alive or dead; a definition is evaluated in a process of its own."
    ),
    required=[positional("id", "String", "The workflow (Tab offers those there are), or the file of a definition")],
    flags=[
        flag("format", "f", "String", f"{', '.join(FORMATS)} (text)", words=tuple(FORMATS)),
        flag("tasks", "t", None, "Show tasks, too"),
        flag("focus", "o", "String", "Only this operation, what it waits for and what waits for it"),
        flag("depth", None, "Int", "With --focus: over at most so many edges"),
        flag("width", "w", "Int", "Of the text, in cells; else that of the terminal"),
        flag("color", "c", None, "Colour the text"),
        flag("ascii", "a", None, "Draw the text with characters that every terminal has"),
        flag("name", "n", "String", "Of a definition: which workflow, if the file holds several"),
        flag("options", None, {"Record": []}, "Of a definition: values for option()"),
        ENVIRONMENT,
        LAYER,
        DATA_DIR,
    ],
    search_terms=["dag", "tree", "dependencies", "mermaid", "graphviz", "dot", "svg", "picture", "waits"],
    examples=[
        ("orch graph release-zvx90y", "Show a workflow"),
        ("orch graph hotfix-rc3g5g --focus switch --tasks", "Show what is around one operation, with its tasks"),
        (
            "orch graph certificates-zfdpn5 --format record | get edges | where holds > 0 | select from to holds",
            "Show which dependencies hold tasks up",
            [{"from": "renew", "to": "install", "holds": 2}],
        ),
        ("orch graph release-zvx90y --format svg | str length", "Make a picture (`| save release.svg` keeps it)"),
        ("orch graph data/examples/wuji.k", "Show what a definition would do"),
    ],
)


def run(call: "Call") -> Later:
    """The graph in the form that is asked for."""
    form = one_of(call, "format", tuple(FORMATS), "format") or "text"
    width, depth = call.integer("width"), call.integer("depth")
    if width is not None and width < WIDTH_MIN:
        raise WrongArgument("width", f"A width of {width} is too small.", "too small", f"Give {WIDTH_MIN} or more.")
    if depth is not None and depth < 0:
        raise WrongArgument("depth", f"A depth of {depth} means nothing.", "not a number of edges", "Give 0 or more.")
    around = call.text("focus")
    if depth is not None and around is None:
        raise WrongArgument("depth", "A depth needs an operation to begin at.", "from where?", "Add --focus OPERATION.")
    color, ascii_only = call.switch("color"), call.switch("ascii")
    load = _loader(call, with_rows=form == "record")

    def work() -> "Wire":
        graph = load()
        if around is not None:
            focus(graph, around, depth)
        if form == "record":
            return Cells(call.values).record(as_record(graph))
        if form != "text":
            return call.values.string(drawn(graph, form))
        return call.values.string(picture(graph, width=width or _terminal_width(), colour=color, ascii_only=ascii_only))

    return Later(work)


def _loader(call: "Call", *, with_rows: bool) -> "Callable[[], Graph]":
    """What reads the graph. Everything that is wrong with the arguments is told at once."""
    given, with_tasks = call.text(0) or "", call.switch("tasks")
    if not is_definition(given, call.cwd):
        return lambda: of_workflow(call.data_dir, given, with_tasks=with_tasks, with_rows=with_rows and with_tasks)
    path, layer = call.path(0), layer_path(call)
    options, name, environment = call.record("options"), call.text("name"), call.text("env")
    return lambda: of_definition(
        path,
        with_tasks=with_tasks,
        data_dir=call.data_dir,
        options=options,
        name=name,
        environment=environment,
        layer=layer,
    )


def _terminal_width() -> int:
    """That of the terminal to which errors would go; standard output is the protocol's."""
    try:
        return os.get_terminal_size(2).columns or WIDTH
    except OSError:
        return WIDTH


def complete(data_dir: str, argument: "str | int", typed: "Typed") -> "list[tuple[str, str]] | None":
    """Ids of workflows (the host adds definitions); of their operations for ``--focus``."""
    return complete_by({0: "workflows", "focus": "operations", "depth": "", "width": ""}, data_dir, argument, typed)
