"""The schemas' last word about values that a layer changed.

Attributes and kinds have been looked at where they stand (`overlay`). What is left are the schemas' checks and the
defaults of blocks that the layer began: the changed values are given to KCL as if they had been written there.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orchestrator.definitions.kcl import PACKAGE, evaluate, messages

if TYPE_CHECKING:
    from orchestrator.definitions.shape.kinds import Kind
    from orchestrator.plan.fault import Raw

_NAME = "layered"
_SOURCE = f'import {PACKAGE}\n{_NAME} = {PACKAGE}.WorkflowDef {{**option("{_NAME}")}}\n'

#: No such file exists; the text is handed over.
_PATH = "/layered/layered.k"

#: What KCL writes in front of a check's own message.
_FAILED_CHECK = "Check failed on the condition: "


def conform(raw: Raw, kind: Kind, package: str) -> tuple[Raw, str]:
    """(`raw` with defaults filled in, "") or (`raw`, what the schemas in folder `package` say against it)."""
    result = evaluate.evaluate(_PATH, _SOURCE, {PACKAGE: package}, {_NAME: _known(raw, kind)})
    if result.values is None:
        return raw, _said(result.faults)
    return _filled(raw, result.values[_NAME]), ""


def _said(document: str) -> str:
    """What a SARIF document says, without the places: they are in the schemas."""
    try:
        message = str(json.loads(document)["runs"][0]["results"][0]["message"]["text"])
    except (ValueError, LookupError, TypeError):
        return messages.plain(document) or "the schema does not take these values"
    return messages.plain(message.rpartition("; related: ")[2].removeprefix(_FAILED_CHECK))


def _known(value: Any, kind: Kind) -> Any:
    """`value` without attributes that only a schema of the user's own has."""
    if kind.type == "schema" and isinstance(value, dict):
        return {key: _known(inner, kind.attributes[key]) for key, inner in value.items() if key in kind.attributes}
    if kind.inner is not None and isinstance(value, dict):
        return {key: _known(inner, kind.inner) for key, inner in value.items()}
    if kind.inner is not None and isinstance(value, list):
        return [_known(inner, kind.inner) for inner in value]
    return value


def _filled(raw: Any, whole: Any) -> Any:
    """`raw` with what only `whole` has."""
    if isinstance(raw, dict) and isinstance(whole, dict):
        new = {key: _plain(inner) for key, inner in whole.items() if key not in raw and key != "_type"}
        return {**new, **{key: _filled(inner, whole.get(key)) for key, inner in raw.items()}}
    if isinstance(raw, list) and isinstance(whole, list) and len(raw) == len(whole):
        return [_filled(mine, theirs) for mine, theirs in zip(raw, whole, strict=True)]
    return raw


def _plain(value: Any) -> Any:
    """`value` without the schemas' names."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items() if key != "_type"}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value
