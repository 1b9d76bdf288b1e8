"""A name instead of an id."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.events import AttemptExited
from orchestrator.files.state.known import require_workflow
from orchestrator.files.state.not_there import known_workflows, no_workflow
from orchestrator.files.state.runs import runs_of
from orchestrator.files.state.workflows import read_workflow
from orchestrator.model.errors import NotFound
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    from pathlib import Path

#: In the order of their submission, which is not that of the alphabet.
RUNS = ("shop-mmmmmm", "shop-zzzzzz", "shop-aaaaaa", "shop-bbbbbb")


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """Four runs of shop, and what only looks alike."""
    directory = OwnDirectory(tmp_path)
    for workflow in (*RUNS, "shop-cart-aaaaaa", "shopping-aaaaaa", "shop-2", "my-shop-a1b2c3"):
        directory.submit(plan(operation("a")), workflow)
    return directory


def test_runs_of_a_name_are_found_newest_first(own: OwnDirectory) -> None:
    """By when they were submitted, whatever happened to their folders since; no other name's."""
    for number, workflow in enumerate(RUNS):
        os.utime(f"{own.path}/workflows/{workflow}", (1000 - number, 1000 - number))
    known = known_workflows(own.path)
    assert runs_of(own.path, "shop", known) == list(reversed(RUNS))
    assert runs_of(own.path, "My Shop!", known) == ["my-shop-a1b2c3"]
    assert runs_of(own.path, "shop-cart", known) == ["shop-cart-aaaaaa"]
    assert runs_of(own.path, "sho", known) == runs_of(own.path, "shop-", []) == []


def test_archived_ones_are_older_than_all_others(own: OwnDirectory) -> None:
    """Their folders are gone."""
    own.happen(AttemptExited("shop-bbbbbb.a.local.x", 1, 0))
    own.archive("shop-bbbbbb")
    expected = ["shop-aaaaaa", "shop-zzzzzz", "shop-mmmmmm", "shop-bbbbbb"]
    assert runs_of(own.path, "shop", known_workflows(own.path)) == expected


def test_one_whose_state_cannot_be_read_is_named_all_the_same(own: OwnDirectory) -> None:
    """Last: nobody knows when it began."""
    with open(f"{own.path}/workflows/shop-bbbbbb/state.json", "w", encoding="utf-8") as file:
        file.write("{")
    assert runs_of(own.path, "shop", known_workflows(own.path))[-1] == "shop-bbbbbb"


def test_who_gives_a_name_is_told_so(own: OwnDirectory) -> None:
    """In the same words wherever an id is asked for."""
    told = (
        "shop is a name, and each run of it has an id. "
        "Did you mean shop-bbbbbb (the newest) or shop-aaaaaa or shop-zzzzzz? "
        "`orch workflows` lists the workflows there are."
    )
    assert no_workflow(own.path, "shop").help == told
    with pytest.raises(NotFound) as read_error:
        read_workflow(own.path, "shop")
    assert read_error.value.help == told
    with pytest.raises(NotFound) as known_error:
        require_workflow(own.path, "shop")
    assert known_error.value.help == told
    one = no_workflow(own.path, "shop-cart").help
    assert one.startswith("shop-cart is a name, and its run has an id. Did you mean shop-cart-aaaaaa? ")
    assert no_workflow(own.path, "shop-aaaaab").help.startswith("Did you mean shop-aaaaaa? ")
