"""What a definition may not do, found in its syntax trees before it is evaluated.

KCL's own modules for files, hosts and hashes reach outside; some functions of harmless modules write any file. The
sandbox of the evaluator holds them back where the kernel can; this rule does everywhere, and says so politely.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.definitions import diagnostics
from orchestrator.definitions.kcl import PACKAGE
from orchestrator.definitions.kcl.positions import SourceMap, place_of, walk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from orchestrator.definitions.diagnostics import Diagnostic, Text

#: Modules that reach outside the file, or hide its faults.
DENIED = ("crypto", "file", "kcl_plugin", "net", "runtime", "template")

#: Functions that write to any path.
_WRITERS = ("dump_to_file", "dump_all_to_file")

#: KCL's own modules that a definition may use.
ALLOWED = (
    "base32",
    "base64",
    "collection",
    "datetime",
    "json",
    "manifests",
    "math",
    "regex",
    "units",
    "yaml",
)


def imports_own_packages(tree: SourceMap) -> bool:
    """Whether the file imports anything beside the schema package and KCL's own modules."""
    return any(name.split(".")[0] not in (PACKAGE, *ALLOWED, *DENIED) for name, _ in tree.imports())


def broken(module: dict[str, Any], text: Text) -> Iterator[Diagnostic]:
    """What the file itself does that it may not."""
    for name, place in SourceMap(module).imports():
        if name.lstrip(".").split(".")[0] in DENIED:
            yield diagnostics.make(
                "WF004",
                f"a definition may not import '{name}'",
                text,
                place,
                help=f"It may import {', '.join(ALLOWED)}.",
            )
    for node in walk(module["body"]):
        if node.get("node") in _WRITERS and "line" in node:
            message = f"a definition may not write files ({node['node']})"
            yield diagnostics.make("WF006", message, text, place_of(node))


def broken_in_packages(trees: Mapping[str, list[dict[str, Any]]], text: Text) -> Iterator[Diagnostic]:
    """What imported packages of the user do that they may not; told at the file's own import, with their path."""
    for package, modules in trees.items():
        if package in ("__main__", PACKAGE):
            continue
        for module in modules:
            for fault in broken(module, text):
                inner = f"{module['filename']}: {fault['message']}"
                yield diagnostics.make(fault["code"], inner, text, None, help=fault["help"]) | {
                    "file": module["filename"]
                }
