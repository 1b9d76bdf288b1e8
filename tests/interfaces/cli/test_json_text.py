"""What commands print as JSON is what `json` would print."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.interfaces.cli.json_text import dumps

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
keys = st.text() | st.integers() | st.booleans() | st.none()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(keys, inner),
    max_leaves=20,
)


@given(values, st.sampled_from([None, 0, 1, 4]), st.booleans())
@example([float("inf"), -float("inf"), float("nan"), -0.0, 1e300], None, False)
@example({"é": '\u2028\x00"\\', "empty": [{}, [], ()], "": None}, 1, True)
def test_the_same_as_json(value: Any, indent: int | None, ascii_only: bool) -> None:
    """Character by character."""
    assert dumps(value, indent=indent, ascii_only=ascii_only) == json.dumps(
        value, indent=indent, ensure_ascii=ascii_only
    )


@pytest.mark.parametrize("value", [object(), {"a": {1, 2}}, [b"bytes"]])
def test_what_is_no_json_is_told(value: object) -> None:
    """Instead of being printed as something that cannot be read back."""
    with pytest.raises(TypeError, match="no word"):
        dumps(value, indent=1, ascii_only=False)
