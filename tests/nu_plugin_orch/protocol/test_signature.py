"""What the plugin tells about its commands."""

from __future__ import annotations

from typing import Any

import pytest

from nu_plugin_orch import commands
from orchestrator.files.rows import CORRUPT
from orchestrator.model.states import TASK_STATUSES

SIGNATURES: dict[str, dict[str, Any]] = {name: commands.load(name).SIGNATURE for name in commands.MODULES}

#: A missing one of these is fatal to `plugin add` (facts of the engine's decoder).
REQUIRED = {
    "name",
    "description",
    "extra_description",
    "search_terms",
    "required_positional",
    "optional_positional",
    "named",
    "input_output_types",
    "allow_variants_without_examples",
    "is_filter",
    "creates_scope",
    "allows_unknown_args",
    "category",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_has_every_field_the_engine_needs(name: str) -> None:
    """And no type that the oldest supported engine does not know."""
    told = SIGNATURES[name]
    assert set(told["sig"]) >= REQUIRED
    assert told["sig"]["name"] == name
    assert "OneOf" not in repr(told["sig"]["input_output_types"])
    assert "Builtin" not in repr(told)


@pytest.mark.parametrize("name", SIGNATURES)
def test_is_documented(name: str) -> None:
    """A sentence, words to search for, and examples of this command (requirement R2-34)."""
    told = SIGNATURES[name]
    assert told["sig"]["description"].endswith(".")
    assert told["sig"]["search_terms"]
    assert told["examples"]
    for example in told["examples"]:
        assert example["example"].startswith(name)
        assert example["description"][0].isupper()


@pytest.mark.parametrize("name", SIGNATURES)
def test_flags_are_documented_and_their_letters_differ(name: str) -> None:
    """`--help` is one of them: without it `orch x --help` would be an unknown flag."""
    flags = SIGNATURES[name]["sig"]["named"]
    assert flags[0]["long"] == "help"
    letters = [flag["short"] for flag in flags if flag["short"]]
    assert len(set(letters)) == len(letters)
    assert all(flag["desc"] for flag in flags)


def test_tab_offers_every_task_status() -> None:
    """Statically, so that no engine has to ask."""
    flags = {flag["long"]: flag for flag in SIGNATURES["orch tasks"]["sig"]["named"]}
    assert flags["status"]["completion"] == {"List": [*TASK_STATUSES, CORRUPT]}


@pytest.mark.parametrize("name", [name for name in SIGNATURES if name != "orch"])
def test_every_command_takes_a_data_directory(name: str) -> None:
    """With the same meaning everywhere (requirement R2-05)."""
    assert "data-dir" in {flag["long"] for flag in SIGNATURES[name]["sig"]["named"]}
