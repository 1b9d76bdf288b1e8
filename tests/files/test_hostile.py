"""Contents that once hung or brought down a reader, each by itself."""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

import pytest

from nu_plugin_orch.protocol.encoding import encode
from nu_plugin_orch.protocol.value import Values
from nu_plugin_orch.readers.cells import Cells
from orchestrator.files import document
from orchestrator.files.asking import foresight
from orchestrator.files.journal.record_shape import parse_record, seq_of
from orchestrator.files.locate import check_format
from orchestrator.files.state.workflows import list_workflows, read_workflow
from orchestrator.model.errors import FormatTooNew, JournalDamaged, WorkflowUnreadable
from tests.support import hostile

if TYPE_CHECKING:
    from pathlib import Path

    from nu_plugin_orch.protocol.errors import Span

pytestmark = pytest.mark.fault("F14")

SPAN: Span = {"start": 1, "end": 2}


def test_a_key_twice_behind_very_many_others() -> None:
    """Each key is looked at once: it took 17 s of 40,000, and hours of as many as a state may hold."""
    keys = ",".join(f'"k{number:06}":0' for number in range(200_000))
    began = time.process_time()
    with pytest.raises(document.Malformed, match="'k199999' is there twice"):
        document.parse(f'{{{keys},"k199999":1}}'.encode())
    assert time.process_time() - began < 5


def test_a_key_as_long_as_the_file_is_not_repeated_in_the_message() -> None:
    """Its beginning is enough."""
    key = "k" * 500_000
    with pytest.raises(document.Malformed) as told:
        document.parse(f'{{"{key}":0,"{key}":1}}'.encode())
    assert len(str(told.value)) < 200


def test_very_many_keys_that_differ_by_surrogates() -> None:
    """They become different valid ones, in time and memory that grow as they do."""
    row = {chr(0xD800 + (number >> 10)) + chr(0xD800 + (number & 0x3FF)): number for number in range(30_000)}
    began = time.process_time()
    fields = Cells(Values(SPAN)).record(row)["Record"][0]
    assert time.process_time() - began < 5
    assert len(fields) == len(row)
    assert encode(fields)
    assert sum(map(len, fields)) < 20 * len(row)


@pytest.mark.parametrize("levels", range(20, 1000, 7))
def test_as_deep_as_can_be_read_is_as_deep_as_can_be_shown(levels: int) -> None:
    """Or it cannot be read."""
    try:
        row = document.parse(b'{"a":' * levels + b"1" + b"}" * levels)
    except document.Malformed:
        return
    assert encode(Cells(Values(SPAN)).record(row))


def test_a_stream_does_not_remember_every_time() -> None:
    """It may go on for months."""
    cells = Cells(Values(SPAN))
    for number in range(30_000):
        cells.record({"time": f"2026-01-01T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.5Z"})
    assert len(cells._dates) <= 10_000


@pytest.mark.parametrize("stated", ["9" * 5000, "9" * 5000 + ".1", 10**4000, 1e300, "0002", "10"])
def test_versions_of_very_many_digits_are_later_ones(stated: object) -> None:
    """And are not shown in full."""
    with pytest.raises(FormatTooNew) as told:
        check_format(stated, "x")
    assert len(told.value.message) < 300


@pytest.mark.parametrize("stated", [None, True, -1, 1.9, "1.99", "0001.5", "x", "", [], {}, [[]], "٣"])
def test_what_is_no_version_is_version_1(stated: object) -> None:
    """As what states none; but a version may be written in digits of other scripts."""
    if stated == "٣":
        with pytest.raises(FormatTooNew):
            check_format(stated, "x")
    else:
        check_format(stated, "x")


@pytest.mark.fault("F16")
def test_settings_that_are_a_fifo_are_not_waited_at(tmp_path: Path) -> None:
    """A forecast goes without."""
    os.mkfifo(tmp_path / "orchestrator.toml")
    assert foresight.configured(str(tmp_path)) == {}


@pytest.mark.parametrize("text", ["x = " + "[" * 5000, "a." * 5000 + "b = 1", "max_running = 'x'", "providers = 5"])
def test_settings_of_any_shape(tmp_path: Path, text: str) -> None:
    """The daemon tells what is wrong with them."""
    (tmp_path / "orchestrator.toml").write_text(text)
    assert foresight.configured(str(tmp_path)).get("max_running") is None


def test_a_state_of_another_shape_is_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """Whichever field is odd: the list has the others, and either the state is refused or has what is relied on."""
    sound = hostile.make_sound(tmp_path / "data")
    path = sound / f"workflows/{hostile.WORKFLOW}/state.json"
    refused = 0
    for name, content in hostile.with_odd_fields(path.read_text()):
        path.write_bytes(content)
        assert len(list_workflows(str(sound))) == 9, name
        try:
            state = read_workflow(str(sound), hostile.WORKFLOW)
        except WorkflowUnreadable:
            refused += 1
            continue
        except FormatTooNew:
            continue
        assert state["id"] == hostile.WORKFLOW
        for text in (state["name"], state["status"], state["definition"]):
            assert isinstance(text, str), name
        for operation in state["operations"]:
            for item in operation["items"]:
                assert isinstance(item["status"], str), name
    assert refused > 100


@pytest.mark.parametrize("name", [it for it in hostile.CONTENTS if "record" in it or "levels" in it])
def test_a_line_that_is_no_record_is_damage(name: str) -> None:
    """And nothing else, for those who take it apart and those who only look at its seq."""
    for line in hostile.CONTENTS[name].splitlines():
        with pytest.raises(JournalDamaged):
            parse_record(line)
    for line in (b"", b"{", b'{"seq":', b'{"seq":x,', b'{"seq":-1,', b'{"seq":' + b"9" * 5000 + b",", b'{"seq":1'):
        with pytest.raises(JournalDamaged):
            seq_of(line)
    assert seq_of(b'{"seq":123,"x"') == 123


def test_every_golden_record_is_one() -> None:
    """Strictness refuses nothing that a daemon has ever written."""
    count = 0
    for path in hostile.GOLDEN.parent.glob("*/journal/??????.jsonl"):
        for line in path.read_bytes().splitlines():
            if line:
                assert parse_record(line)["seq"] == seq_of(line) == json.loads(line)["seq"]
                count += 1
    assert count > 100
