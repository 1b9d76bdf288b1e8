"""The signatures of all commands for Nushell, made of the parsers of the commands."""

from __future__ import annotations

import argparse

from orchestrator.interfaces.cli import COMMANDS
from orchestrator.interfaces.cli.offered import FOLDERS, LOOKED_UP, PATHS, parser_of, visible

_HEAD = """\
# Signatures of `orchestrator` for Nushell: help, checks of what is typed, completion. Made by
# `orchestrator completions nushell`; make it anew after an update.
#
#   use orchestrator-completions.nu *

# What fits at the end of the line typed so far. Where only Nushell knows (files), nothing is offered.
def "nu-complete orchestrator" [context: string] {
  let words = $context | split row "orchestrator " | last | split row --regex '\\s+'
  let typed = $words | each {|it| $it | str trim --char '"' | str trim --char "'" }
  let offered = try { ^orchestrator completions --offer ...$typed | lines } catch { [] }
  let completions = $offered | where {|it| not ($it | str starts-with ":") } | each {|it|
    let parts = $it | split row (char tab)
    {value: $parts.0, description: ($parts.1? | default "")}
  }
  {options: {sort: false}, completions: $completions}
}

# Workflows whose every state is a plain file.
export extern orchestrator [
  command?: string@"nu-complete orchestrator" # what to do; `orchestrator --help` lists the commands
  --help(-h)                                  # list the commands
  --version(-V)                               # say which version this is
]
"""


def module() -> str:
    """The text of a module to be used."""
    return _HEAD + "".join(_extern(name, summary) for name, summary in COMMANDS.items())


def _extern(name: str, summary: str) -> str:
    rows = [_row(it) for it in visible(parser_of(name))]
    width = max(len(declared) for declared, _ in rows)
    lines = [f"  {declared:{width}} # {told}".rstrip(" #") for declared, told in rows]
    return "\n".join(
        ["", f"# {summary[:1].upper()}{summary[1:]}.", f'export extern "orchestrator {name}" [', *lines, "]", ""]
    )


def _row(action: argparse.Action) -> tuple[str, str]:
    told = " ".join((action.help or "").split())
    if action.option_strings:
        long = max(action.option_strings, key=len)
        short = [f"({it})" for it in action.option_strings if len(it) == 2]
        return f"{long}{''.join(short)}{'' if action.nargs == 0 else ': ' + _shape(action)}", told
    name = action.dest.replace("_", "-")
    if action.nargs in ("*", "+", argparse.REMAINDER):
        return f"...{name}: {_shape(action)}", told
    return f"{name}{'?' if action.nargs == '?' else ''}: {_shape(action)}", told


def _shape(action: argparse.Action) -> str:
    kind = PATHS.get(action.dest)
    if kind is not None:
        return "directory" if kind == FOLDERS else "path"
    number = getattr(action.type, "__name__", "")
    if number in ("int", "count", "limit", "positive", "priority", "tail"):
        return "int"
    is_offered = action.choices is not None or action.dest in LOOKED_UP
    return 'string@"nu-complete orchestrator"' if is_offered else "string"
