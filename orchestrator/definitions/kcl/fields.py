"""Attributes that a schema does not have, in computed values.

In literal values KCL finds them and says where. Of a value that was put together from several, or decoded, it says
that it does not fit, without a place and a name; so it is evaluated with schemas that take anything (`lax`), and looked
at here.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from orchestrator.definitions.kcl import PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SCHEMA = re.compile(r"^schema (\w+).*?(?=^schema |\Z)", re.MULTILINE | re.DOTALL)
_DOCSTRING = re.compile(r'""".*?"""', re.DOTALL)
_ATTRIBUTE = re.compile(r"^    ([a-z]\w*)\??: ", re.MULTILINE)


class Unknown(NamedTuple):
    """An attribute that `schema` does not have; `known` are those that it has."""

    path: tuple[str | int, ...]
    schema: str
    known: Sequence[str]


def attributes(package: str) -> dict[str, list[str]]:
    """{schema: names of its attributes} of the schema package in folder `package`."""
    found: dict[str, list[str]] = {}
    for name in sorted(os.listdir(package)):
        if name.endswith(".k") and not name.endswith("_test.k"):
            with open(f"{package}/{name}", encoding="utf-8") as file:
                source = _DOCSTRING.sub("", file.read())
            found |= {schema[1]: _ATTRIBUTE.findall(schema[0]) for schema in _SCHEMA.finditer(source)}
    return found


def unknown(value: Any, known: Mapping[str, Sequence[str]], path: tuple[str | int, ...] = ()) -> Iterator[Unknown]:
    """Every attribute in `value` that its schema does not have. Values tell their schemas by ``_type``."""
    if isinstance(value, dict):
        package, _, schema = str(value.get("_type", "")).rpartition(".")
        for key, inner in value.items():
            if package == PACKAGE and schema in known and key != "_type" and key not in known[schema]:
                yield Unknown((*path, key), schema, known[schema])
            yield from unknown(inner, known, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from unknown(inner, known, (*path, index))
