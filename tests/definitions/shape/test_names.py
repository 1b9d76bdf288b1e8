"""Names that are made of items (R1-73)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.definitions.shape.conftest import operation

if TYPE_CHECKING:
    from tests.definitions.shape.conftest import Folder


@pytest.mark.parametrize(
    ("items", "extra", "expected"),
    [
        ('["worker-{{ index }}"]', "count = 3", ["worker-0", "worker-1", "worker-2"]),
        ('["w-{{ index + 1 }}"]', "count = 2", ["w-1", "w-2"]),
        ("""["w-{{ '%03d' | format(index) }}"]""", "count = 2", ["w-000", "w-001"]),
        ('["a-{{index}}", "b-{{index}}"]', "count = 2", ["a-0", "a-1", "b-0", "b-1"]),
        ('["{{ workflow }}-{{ operation.id }}-{{ operation.target }}"]', "", ["w-a-server"]),
        ('["{{ values.region }}-{{ index }}"]', "", ["fsn-0"]),
        ('["plain", "x{{ index }}"]', "", ["plain", "x0"]),
        ('["plain"]', "count = 1", ["plain"]),
    ],
)
def test_items_are_made_of_what_they_name(folder: Folder, items: str, extra: str, expected: list[str]) -> None:
    """Each item as often as `count` says, in order."""
    folder.workflow(operation(extra, items=items), others='region = "fsn"')
    assert list(folder.plan().operations[0].items) == expected


def test_without_marks_and_count_nothing_is_looked_at(folder: Folder) -> None:
    """Percent signs, braces and blanks mean nothing then."""
    folder.workflow(operation(items='["{%x%}", "a b", "{x}"]'))
    assert folder.plan().operations[0].items == ("{%x%}", "a b", "{x}")


@pytest.mark.parametrize(
    ("items", "extra", "message"),
    [
        ('["a", "x-{{ index }}", "X-0"]', "", "beside"),
        ('["x-{{ index }}", "x-0"]', "", "'x-0' makes 'x-0', and 'x-{{ index }}' makes it as well"),
        ('["n-{{ index }}", "N-{{ index }}"]', "count = 2", "'N-0', which differs from 'n-0' only in case"),
        ('["lb"]', "count = 2", "'lb' makes 'lb' more than once"),
        ('["x-{{ index // 2 }}"]', "count = 2", "more than once"),
    ],
)
def test_equal_names_are_an_error_at_the_item(folder: Folder, items: str, extra: str, message: str) -> None:
    """Both are named; case does not tell names apart."""
    folder.workflow(operation(extra, items=items))
    (told,) = folder.look()["errors"]
    assert (told["code"], told["line"]) == ("WF135", 6)
    assert message in told["message"] or message == "beside"
    assert told["help"]


def test_an_item_listed_twice_is_told_once(folder: Folder) -> None:
    """KCL refuses the list without a place; here it has one."""
    folder.workflow(operation(items='["x-{{ index }}", "x-{{ index }}"]'))
    assert folder.faults() == [("WF135", "w.k", 6)]


def test_count_without_a_mark_says_what_to_write(folder: Folder) -> None:
    """The remedy is the item with {{ index }} in it."""
    folder.workflow(operation("count = 2", items='["lb"]'))
    assert "'lb-{{ index }}'" in folder.look()["errors"][0]["help"]


@pytest.mark.parametrize(
    ("items", "extra", "message"),
    [
        ('["x-{{ idx }}"]', "", "'idx' is undefined"),
        ('["x-{{ index "]', "", "end of template"),
        ('["x-{{ index }}"]', "count = 10001", "10001 items"),
        ('["x-{{ index }}"]', "count = 0", "must be a positive number"),
        ("""["x-{{ 'A' * 10000000000 }}"]""", "", "MiB"),
        ('["x-{{ values.operations }}"]', "", "a list has no text"),
    ],
)
def test_names_that_cannot_be_made_are_errors(folder: Folder, items: str, extra: str, message: str) -> None:
    """At the item, with the reason."""
    folder.workflow(operation(extra, items=items))
    (told,) = folder.look()["errors"]
    assert (told["code"], told["line"]) == ("WF134", 6)
    assert message in told["message"]


def test_a_near_name_is_offered(folder: Folder) -> None:
    """What was meant, perhaps."""
    folder.workflow(operation(items='["x-{{ indx }}"]'))
    assert folder.look()["errors"][0]["help"] == "Did you mean 'index'?"


def test_a_made_name_that_is_none_is_told_at_its_item(folder: Folder) -> None:
    """The position counts made names; the place is that of the text."""
    folder.workflow(operation("count = 2", items='["ok-{{ index }}",\n"a/{{ index }}"]'))
    assert folder.faults() == [("WF109", "w.k", 7), ("WF109", "w.k", 7)]
