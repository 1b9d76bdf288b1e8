"""Calls of the KCL library. To be made in a process of its own only: see `orchestrator.definitions.evaluator`.

The library holds the interpreter's lock, has no time limit, ends the process when a recursion is too deep, leaks its
answers, and writes evaluation-time faults to file descriptor 2.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

import kcl_lib.api as kcl

if TYPE_CHECKING:
    from collections.abc import Mapping

_API = kcl.API()


class Evaluated(NamedTuple):
    """What an evaluation gave.

    Attributes:
        values: of the top-level variables; None if it failed.
        faults: a SARIF document, or the library's bare text; "" if it succeeded.
        while_compiling: the faults are those of the text, all of them; else one fault of its evaluation.
    """

    values: dict[str, Any] | None
    faults: str = ""
    while_compiling: bool = False


def warm_up() -> None:
    """Touch the paths that every evaluation takes, so that forked children find them in memory."""
    evaluate("w.k", "a = 1\n", {}, {})


def parse(path: str, source: str) -> dict[str, Any]:
    """The syntax tree of one file, as far as it can be understood; imports are not looked at."""
    tree = json.loads(_API.parse_file(kcl.ParseFileArgs(path=path, source=source)).ast_json)
    return dict(tree)


def parse_all(path: str, source: str, packages: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    """{package: syntax trees of its files} of everything the file imports; its own is ``__main__``."""
    arguments = kcl.ParseProgramArgs(paths=[path], sources=[source], external_pkgs=_external(packages))
    return dict(json.loads(_API.parse_program(arguments).ast_json)["pkgs"])


def options_of(path: str, source: str, packages: Mapping[str, str]) -> list[str]:
    """Names of the options that the file asks for."""
    arguments = kcl.ParseProgramArgs(paths=[path], sources=[source], external_pkgs=_external(packages))
    return [option.name for option in _API.list_options(arguments).options]


def evaluate(path: str, source: str, packages: Mapping[str, str], options: Mapping[str, object]) -> Evaluated:
    """The values of a file. `packages` is {name: folder} of what can be imported beside the file's own folder.

    Needs file descriptor 2 to be a file that can be read back.
    """
    arguments = kcl.ExecProgramArgs(
        k_filename_list=[path],
        k_code_list=[source],
        external_pkgs=_external(packages),
        args=[kcl.Argument(name=name, value=json.dumps(value)) for name, value in options.items()],
        format="json",
        error_format="sarif",
        include_schema_type_path=True,
    )
    try:
        result = _API.exec_program(arguments)
    except Exception as error:  # noqa: BLE001 - the library raises nothing more special
        return Evaluated(None, str(error), while_compiling=True)
    if result.err_message:
        return Evaluated(None, _written_to_stderr() or result.err_message)
    return Evaluated(_values(result.json_result))


def _values(document: str) -> dict[str, Any]:
    value = json.loads(document) if document.strip() else {}
    return value if isinstance(value, dict) else {}


def _written_to_stderr() -> str:
    try:
        os.lseek(2, 0, os.SEEK_SET)
        return os.read(2, 1 << 20).decode("utf-8", "replace").strip("\0")
    except OSError:
        return ""


def _external(packages: Mapping[str, str]) -> list[Any]:
    return [kcl.ExternalPkg(pkg_name=name, pkg_path=path) for name, path in packages.items()]
