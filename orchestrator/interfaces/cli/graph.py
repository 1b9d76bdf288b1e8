"""Show what waits for what in a workflow, and how far it is; or in a definition before it runs.

A picture as text: an operation a line, and lines that lead from it to what waits for it. Reads files only, with the
daemon alive or dead. On a terminal the picture has its width and colours (unless NO_COLOR is set). With --json the
nodes and edges as JSON. docs/graph.md tells how to read it.

Examples:
  orchestrator graph deploy-4k7q0d
  orchestrator graph deploy-4k7q0d --tasks --focus install-base
  orchestrator graph deploy-4k7q0d --format svg > deploy.svg
  orchestrator graph deploy-4k7q0d --format dot | dot -Tpdf > deploy.pdf
  orchestrator graph deploy-4k7q0d --json | jq -r '.edges[] | select(.holds > 0) | .from'
  orchestrator graph deploy.k --env prod
"""

from __future__ import annotations

import os
import sys

from orchestrator.files.graph.formats import FORMATS, drawn
from orchestrator.files.graph.source import focus, is_definition, of_definition, of_workflow
from orchestrator.interfaces.cli.arguments import count
from orchestrator.interfaces.cli.definitions import add_environment, add_option, layer_path, parse_options
from orchestrator.interfaces.cli.output import data_dir, is_colourful, print_json
from orchestrator.model.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from orchestrator.files.graph.model import Graph


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `graph` takes."""
    parser.add_argument("subject", metavar="WORKFLOW_OR_FILE", help="a workflow's id, or a definition (KCL)")
    forms = [it for it in FORMATS if it != "record"]
    parser.add_argument("--format", choices=[*forms, "json"], default="text", help="text without it")
    parser.add_argument("--json", action="store_const", dest="format", const="json", help="the same as --format json")
    parser.add_argument("--tasks", action="store_true", help="show tasks, too")
    told = "only this operation, what it waits for and what waits for it"
    parser.add_argument("--focus", metavar="OPERATION", help=told)
    parser.add_argument("--depth", type=count, metavar="N", help="with --focus: over at most N edges")
    parser.add_argument("--width", type=count, metavar="N", help="of the text, in cells; else that of the terminal")
    told = "colour the text: always, never, or on a terminal (auto, the default)"
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto", help=told)
    parser.add_argument("--ascii", action="store_true", help="draw the text with characters that every terminal has")
    parser.add_argument("--name", help="of a definition: which workflow, if the file holds several")
    add_option(parser)
    add_environment(parser)


def run(options: argparse.Namespace) -> int:
    """Read the graph and show it."""
    if options.depth is not None and options.focus is None:
        raise UsageError("--depth needs an operation to begin at.", "Add --focus OPERATION.")
    graph = _load(options)
    if options.focus is not None:
        focus(graph, options.focus, options.depth)
    if options.format == "json":
        from orchestrator.files.graph.rows import as_record

        print_json(as_record(graph))
    elif options.format == "text":
        sys.stdout.write(_picture(graph, options) + "\n")
    else:
        _write(drawn(graph, options.format) + "\n")
    return 0


def _load(options: argparse.Namespace) -> Graph:
    directory, cwd = data_dir(options), os.getcwd()
    if not is_definition(options.subject, cwd):
        with_rows = options.tasks and options.format == "json"
        return of_workflow(directory, options.subject, with_tasks=options.tasks, with_rows=with_rows)
    return of_definition(
        os.path.abspath(os.path.expanduser(options.subject)),
        with_tasks=options.tasks,
        data_dir=directory,
        options=parse_options(options.option),
        name=options.name,
        environment=options.env,
        layer=layer_path(options),
    )


def _picture(graph: Graph, options: argparse.Namespace) -> str:
    from orchestrator.files.graph.text import WIDTH, picture

    colour = is_colourful() if options.color == "auto" else options.color == "always"
    width = options.width
    if width is None:
        try:
            width = os.get_terminal_size(sys.stdout.fileno()).columns or WIDTH
        except OSError:
            width = WIDTH
    is_unicode = sys.stdout.encoding.lower().replace("-", "") == "utf8"
    return picture(graph, width=width, colour=colour, ascii_only=options.ascii or not is_unicode)


def _write(text: str) -> None:
    """Files of other programs are UTF-8, whatever the locale is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
