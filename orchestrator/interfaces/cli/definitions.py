"""What every command takes that is given a definition: its options, what it is for, and how they are handed on."""

from __future__ import annotations

import os

from orchestrator.model.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any


def add_option(parser: argparse.ArgumentParser) -> None:
    """``--option``, which whatever evaluates a definition takes."""
    told = "for option() in the file; VALUE is JSON or else text; may be repeated"
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help=told)


def add_environment(parser: argparse.ArgumentParser) -> None:
    """``--env`` and ``--layer``, which whatever evaluates a definition takes."""
    told = 'what its values are for: DEFINITION.NAME.yaml is laid over them, and option("env") is NAME'
    parser.add_argument("--env", metavar="NAME", help=told)
    parser.add_argument("--layer", metavar="FILE", help="lay this YAML file over its values instead")


def evaluation(options: argparse.Namespace) -> dict[str, Any]:
    """What an evaluation of the definition is asked for: ``options, name, environment, layer``. Raises UsageError."""
    return {
        "options": parse_options(options.option),
        "name": options.name,
        "environment": options.env,
        "layer": layer_path(options),
    }


def layer_path(options: argparse.Namespace) -> str | None:
    """The absolute path of ``--layer``, None without it."""
    return None if options.layer is None else os.path.abspath(options.layer)


def parse_options(texts: list[str]) -> dict[str, object]:
    """{name: value} of ``NAME=VALUE`` texts; a value is JSON if it can be, else text.

    Raises:
        UsageError: one has another form.
    """
    import json

    found: dict[str, object] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--option {text!r} is not NAME=VALUE.", "For example: --option env=prod")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
