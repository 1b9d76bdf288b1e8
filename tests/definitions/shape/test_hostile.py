"""Every hostile template gets a diagnostic of its own, in its own file, and the evaluator lives on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.definitions.shape.conftest import operation

if TYPE_CHECKING:
    from tests.definitions.shape.conftest import Folder

CORPUS = Path(__file__).parents[2] / "corpora" / "templates" / "hostile"

#: {template: code of its error}.
HOSTILE = {
    "address_in_text": "WF137",
    "attr_filter": "WF137",
    "autoescape_block": "WF137",
    "batch_filter": "WF138",
    "buffered_output": "WF138",
    "call_nothing": "WF137",
    "center_filter": "WF138",
    "change_mapping": "WF137",
    "change_values": "WF137",
    "class_walk": "WF137",
    "class_walk_subscript": "WF137",
    "class_walk_values": "WF137",
    "deep_blocks": "WF138",
    "deep_loops": "WF137",
    "deep_parentheses": "WF138",
    "doubling": "WF138",
    "extends_itself": "WF138",
    "extends_unlisted": "WF136",
    "format_indirect": "WF137",
    "format_map": "WF137",
    "format_string": "WF137",
    "format_width": "WF138",
    "function_globals": "WF137",
    "generator_frame": "WF137",
    "huge_string": "WF138",
    "import_statement": "WF136",
    "imports_itself": "WF138",
    "include_absolute": "WF136",
    "include_computed": "WF136",
    "include_definition": "WF136",
    "include_parent": "WF136",
    "include_unlisted": "WF136",
    "includes_itself": "WF138",
    "indent_filter": "WF138",
    "large_range": "WF138",
    "large_string": "WF138",
    "lipsum_global": "WF137",
    "list_growth": "WF138",
    "ljust_method": "WF138",
    "long_output": "WF138",
    "long_sum": "WF138",
    "loop_output": "WF138",
    "loop_recursion": "WF138",
    "macro_internals": "WF137",
    "macro_recursion": "WF138",
    "many_filters": "WF138",
    "map_attribute": "WF137",
    "nested_ranges": "WF138",
    "null_in_text": "WF137",
    "order_of_set": "WF137",
    "percent_precision": "WF138",
    "percent_width": "WF138",
    "power": "WF138",
    "power_chain": "WF138",
    "random_filter": "WF137",
    "regex_words": "WF138",
    "replace_growth": "WF138",
    "round_digits": "WF138",
    "set_attribute": "WF137",
    "slice_filter": "WF138",
    "sum_of_ranges": "WF138",
    "template_self": "WF137",
    "undefined_key": "WF137",
    "undefined_name": "WF137",
    "unfinished": "WF137",
}

#: Those of which only the file is told: they are refused before there are lines, or when there are none left.
WITHOUT_LINE = {"buffered_output", "deep_blocks", "deep_loops", "deep_parentheses", "long_sum", "many_filters"}


def test_no_template_of_the_corpus_is_forgotten() -> None:
    """The table names exactly the files there are."""
    assert sorted(HOSTILE) == sorted(path.stem for path in CORPUS.iterdir())


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_templates_end_as_diagnostics(name: str, folder: Folder) -> None:
    """A verdict within the limits of an evaluation, at the template's line; the next definition is looked at."""
    folder.write("../secret.j2", "secret")
    folder.write("templates/unlisted.j2", "unlisted")
    folder.write("templates/hostile.j2", (CORPUS / f"{name}.j2").read_text(encoding="utf-8"))
    folder.workflow(
        operation('template = "templates/hostile.j2"', command=None), 'templates = ["templates/hostile.j2"]'
    )
    line = None if name in WITHOUT_LINE else 1
    assert folder.faults() == [(HOSTILE[name], "hostile.j2", line)]
    folder.workflow(operation())
    assert folder.look()["valid"]
