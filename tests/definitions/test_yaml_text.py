"""YAML that is meant to bring somebody down, in each kind of file that is read as YAML."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING

import pytest

from orchestrator.definitions import regular_file, yaml_text
from orchestrator.definitions.kcl.positions import Place
from orchestrator.definitions.providers import documents, load_providers
from orchestrator.definitions.shape import layers
from orchestrator.definitions.taskservs import beside, load_taskservs
from orchestrator.model.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

#: (text, words of the fault, its place).
HOSTILE = [
    ("a: !!bool x\n", "not of kind 'bool'", Place(1, 3, 1, 11)),
    ("a: !!int x\n", "not of kind 'int'", Place(1, 3, 1, 10)),
    ("b: 1\na: !!float 0x\n", "not of kind 'float'", Place(2, 3, 2, 13)),
    ("a: !!timestamp x\n", "kind 'timestamp' has no place", Place(1, 3, 1, 16)),
    ("a: !!binary '####'\n", "kind 'binary' has no place", Place(1, 3, 1, 18)),
    ("a: !!set {b}\n", "kind 'set' has no place", Place(1, 3, 1, 10)),
    ("a: !!omap [b]\n", "kind 'omap' has no place", Place(1, 3, 1, 11)),
    ("a: 2001-99-99\n", "kind 'timestamp' has no place", Place(1, 3, 1, 13)),
    (f"a: 0x{'f' * 20_000}\n", "too long", Place(1, 3, 1, 20_005)),
    (f"a: 1{':1' * 300_000}\n", "too long", Place(1, 3, 1, 600_004)),
    ("a: 9223372036854775808\n", "machine can hold", Place(1, 3, 1, 22)),
    ("a: .nan\n", "machine can hold", Place(1, 3, 1, 7)),
    ("a: 1.0e+9999\n", "machine can hold", Place(1, 3, 1, 12)),
    ("[" * 50_000, "deeper than 50", Place(1, 51, 1, 52)),
    ("- " * 50_000, "deeper than 50", Place(1, 102, 1, 103)),
    ("a: &a [*a]\n", "contains itself", Place(1, 7, 1, 9)),
    ("[a]: 1\n", "this cannot be a key", Place(1, 0, 1, 1)),
    ("a:\n  - '\u00e9' \u0001\n", "U+0001", Place(2, 8, 2, 9)),
]


@pytest.mark.parametrize(("text", "words", "place"), HOSTILE)
def test_whatever_is_wrong_has_a_place(tmp_path: Path, text: str, words: str, place: Place) -> None:
    """In a layer, a provider file and a task service file alike."""
    with pytest.raises(yaml_text.YamlFault, match=words.replace("+", r"\+")) as caught:
        layers.parse(text)
    assert caught.value.place is not None
    assert caught.value.place[:2] == place[:2]
    for kind, load in (("providers", load_providers), ("taskservs", load_taskservs)):
        folder = tmp_path / kind / kind
        folder.mkdir(parents=True)
        (folder / "x.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(UsageError) as told:
            load(str(tmp_path / kind))
        assert f"x.yaml, line {place.line}, column {place.column + 1}: " in told.value.message
    _, ((_, _, fault),) = beside(str(tmp_path / "taskservs"))
    assert (fault.line, fault.column) == (place.line, place.column + 1)


def test_references_do_not_add_up_to_depth() -> None:
    """Each refers to the one before it, one level deeper: what they stand for is what counts."""
    text = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 100))
    with pytest.raises(yaml_text.YamlFault, match="deeper than 50") as caught:
        yaml_text.compose(text)
    assert caught.value.place is not None
    assert caught.value.place.line == 50
    shallow = yaml_text.compose("a: &a [x, {b: 1}]\nc: [*a, *a]\n")
    assert yaml_text.plain(shallow) == {"a": ["x", {"b": 1}], "c": [["x", {"b": 1}]] * 2}


def test_a_byte_that_is_not_utf_8_has_a_place() -> None:
    """Its line, and its column in characters."""
    with pytest.raises(yaml_text.YamlFault, match="byte 9 is not UTF-8") as caught:
        yaml_text.decoded("a: b\nc\u00e9d".encode() + b"\xff\n")
    assert caught.value.place == Place(2, 3, 2, 4)
    assert yaml_text.decoded(b"\xef\xbb\xbfa: 1") == "a: 1"


def test_lines_are_those_of_everybody_else() -> None:
    """YAML begins a new line after more characters than an editor does."""
    found = yaml_text.compose("a: 'x\u2028y'\r\nb: 2\n")
    assert found.keys["b"] == Place(2, 0, 2, 1)


@pytest.mark.parametrize("make", ["fifo", "folder", "link to a fifo"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, make: str) -> None:
    """Nor does it cost a descriptor."""
    path = str(tmp_path / "providers" / "x.yaml")
    os.mkdir(tmp_path / "providers")
    if make == "folder":
        os.mkdir(path)
    elif make == "fifo":
        os.mkfifo(path)
    else:
        os.mkfifo(tmp_path / "fifo")
        os.symlink(tmp_path / "fifo", path)
    gc.collect()  # what other tests have left gives its descriptors back now, and not amid this one
    before = len(os.listdir("/proc/self/fd"))
    why = "it is a directory" if make == "folder" else "it is no regular file"
    with pytest.raises(UsageError, match=f"cannot be read: {why}"):
        load_providers(str(tmp_path))
    found = layers.find(f"{path}/w.k", "prod", path)
    assert found == layers.LayerFile(path, problem=f"it cannot be read: {why}")
    with pytest.raises(OSError, match=why):
        documents.read(path)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b"])
def test_a_path_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    """It is told like any other that cannot be read."""
    found = layers.find(str(tmp_path / "w.k"), "", f"{tmp_path}/{name}")
    assert found is not None
    assert found.problem == "it cannot be read: no file can have this name"
    if "\0" not in name:
        assert layers.find(str(tmp_path / "w.k"), name, None) is not None


def test_no_more_is_read_than_is_needed(tmp_path: Path) -> None:
    """One byte more than allowed tells that there is too much."""
    (tmp_path / "f").write_bytes(b"x" * 300_000)
    assert len(regular_file.read(str(tmp_path / "f"), 200_000)) == 200_001
    assert len(regular_file.read(str(tmp_path / "f"), 400_000)) == 300_000
