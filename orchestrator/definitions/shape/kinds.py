"""What the shipped schemas say about attributes: names, kinds, which are required.

KCL itself is asked, so that nothing is written down a second time.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import kcl_lib.api as kcl
import msgspec

from orchestrator.definitions.kcl import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.definitions.shape.layers import Value

#: A file without a fault that names the schema: KCL tells the types of what a file holds.
_ASKING = f"import {PACKAGE}\nw = {PACKAGE}.WorkflowDef {{name = 'w', operations = []}}\n"

_WORDS = {"str": "a text", "int": "a whole number", "float": "a number", "bool": "true or false"}


class Kind(msgspec.Struct, frozen=True):
    """What an attribute takes.

    Attributes:
        type: ``str``, ``int``, ``float``, ``bool``, ``list``, ``dict``, ``schema``, ``union``, ``literal`` or ``any``.
        name: of the schema, or the literal.
        attributes: {name: kind} of a schema.
        required: attributes of a schema that have no default.
        inner: kind of a list's elements or a dictionary's values.
        choices: kinds of a union.
    """

    type: str
    name: str = ""
    attributes: dict[str, Kind] = {}
    required: tuple[str, ...] = ()
    inner: Kind | None = None
    choices: tuple[Kind, ...] = ()


class Misfit(msgspec.Struct, frozen=True):
    """Why a value of a layer does not fit. `value` is where."""

    code: str
    value: Value
    message: str
    known: tuple[str, ...] = ()
    key: str = ""


@cache
def workflow_kind(package: str) -> Kind:
    """The schema of a workflow, from the package in that folder."""
    arguments = kcl.ExecProgramArgs(
        k_filename_list=["/kinds.k"],
        k_code_list=[_ASKING],
        external_pkgs=[kcl.ExternalPkg(pkg_name=PACKAGE, pkg_path=package)],
    )
    answer = kcl.API().get_schema_type_mapping(kcl.GetSchemaTypeMappingArgs(exec_args=arguments))
    return _kind(answer.schema_type_mapping["w"])


def misfits(kind: Kind, value: Value) -> Iterator[Misfit]:
    """Everything in `value` that `kind` does not take."""
    content = value.content
    if kind.type == "schema" and isinstance(content, dict):
        yield from _in_schema(kind, value, content)
    elif kind.inner is not None and isinstance(content, dict if kind.type == "dict" else list):
        for inner in content.values() if isinstance(content, dict) else content:
            yield from misfits(kind.inner, inner)
    elif not _is(kind, content):
        yield Misfit("WF133", value, f"this takes {said(kind)}, not {_shown(content)}")


def _in_schema(kind: Kind, value: Value, content: dict[str, Value]) -> Iterator[Misfit]:
    for key, inner in content.items():
        if key not in kind.attributes:
            yield unknown(kind, value, key)
        elif inner.content is not None or key in kind.required:
            yield from misfits(kind.attributes[key], inner)
    for key in kind.required:
        if key not in content:
            yield Misfit("WF133", value, f"this {kind.name} has no '{key}'")


def unknown(kind: Kind, value: Value, key: str) -> Misfit:
    """`key` of the mapping `value` is no attribute of the schema `kind`."""
    return Misfit("WF132", value, f"{kind.name} has no attribute '{key}'", tuple(kind.attributes), key)


def said(kind: Kind) -> str:
    """What `kind` takes, in words."""
    if kind.type == "union":
        if all(choice.type == "literal" for choice in kind.choices):
            return "one of " + ", ".join(choice.name for choice in kind.choices)
        return " or ".join(said(choice) for choice in kind.choices)
    if kind.type == "list":
        return "a list"
    if kind.type in ("dict", "schema"):
        return f"a mapping ({kind.name})" if kind.name else "a mapping"
    return _WORDS.get(kind.type, kind.name)


def _is(kind: Kind, content: Any) -> bool:
    match kind.type:
        case "any":
            return True
        case "union":
            return any(_is(choice, content) for choice in kind.choices)
        case "literal":
            return isinstance(content, str) and content == kind.name
        case "str":
            return isinstance(content, str)
        case "bool":
            return isinstance(content, bool)
        case "int":
            return isinstance(content, int) and not isinstance(content, bool)
        case "float":
            return isinstance(content, (int, float)) and not isinstance(content, bool)
    return False


def _shown(content: Any) -> str:
    if isinstance(content, dict):
        return "a mapping"
    if isinstance(content, list):
        return "a list"
    if content is None:
        return "null"
    return f"{str(content).lower()} (true or false)" if isinstance(content, bool) else repr(content)


def _kind(told: Any) -> Kind:
    """A kind from KCL's own description of a type."""
    if told.type == "schema":
        attributes = {name: _kind(inner) for name, inner in sorted(told.properties.items())}
        required = tuple(name for name in told.required if not told.properties[name].default)
        return Kind("schema", told.schema_name, attributes, required)
    if told.type in ("list", "dict"):
        return Kind(told.type, inner=_kind(told.item))
    if told.type == "union":
        return Kind("union", choices=tuple(_kind(choice) for choice in told.union_types))
    base, bracket, literal = told.type.partition("(")
    if bracket:
        return Kind("literal", literal.removesuffix(")"))
    return Kind(base if base in _WORDS else "any")
