"""One JSON file, read without trusting it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.files import document
from orchestrator.model.limits import SMALL_FILE_BYTES_MAX

if TYPE_CHECKING:
    from pathlib import Path

#: {what is wrong: (content, what the message says)}
FAULTS: dict[str, tuple[bytes, str]] = {
    "empty": (b" \n", "it is empty"),
    "truncated": (b'{"id": "a", ', "Expecting"),
    "trailing text": (b'{"id": 1} {"id": 2}', "Extra data"),
    "invalid UTF-8": (b'{"id": "\xff"}', "not UTF-8 (byte 8)"),
    "NaN": (b'{"priority": NaN}', "NaN is not JSON"),
    "infinity": (b'{"priority": -Infinity}', "-Infinity is not JSON"),
    "a number beyond floats": (b'{"priority": 1e999}', "the number 1e999 is too large"),
    "a key twice": (b'{"id": "a", "id": "b"}', "the key 'id' is there twice"),
    "a key twice, deeper": (b'{"a": [{"b": 1, "b": 1}]}', "the key 'b' is there twice"),
    "nested too deeply": (b'{"a":' * 100_000, "nested too deeply"),
    "a list": (b"[1, 2]", "holds a list where an object is expected"),
    "a number": (b"5", "holds a int where an object is expected"),
    "a number of too many digits": (b'{"a": ' + b"1" * 5000 + b"}", "digits"),
    "too large": (b'{"a": "' + b"x" * SMALL_FILE_BYTES_MAX + b'"}', "larger than 1048576 bytes"),
}


@pytest.mark.fault("F14")
@pytest.mark.parametrize("fault", FAULTS)
def test_says_what_is_wrong(tmp_path: Path, fault: str) -> None:
    """Each kind of bad content is told in a few words, quickly (requirement F14)."""
    content, message = FAULTS[fault]
    path = tmp_path / "x.json"
    path.write_bytes(content)
    began = time.monotonic()
    with pytest.raises(document.Malformed) as told:
        document.load(str(path), SMALL_FILE_BYTES_MAX)
    assert message in str(told.value)
    assert time.monotonic() - began < 1


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_malformed(content: bytes) -> None:
    """Nothing else is raised, whatever the content."""
    with suppress(document.Malformed):
        assert isinstance(document.parse(content), dict)


@given(st.dictionaries(st.text(), st.one_of(st.none(), st.booleans(), st.integers(), st.text(), st.lists(st.text()))))
def test_every_json_object_is_read_back(content: dict[str, object]) -> None:
    """Strictness refuses nothing that is right."""
    assert document.parse(json.dumps(content).encode()) == content


@pytest.mark.fault("F16")
@pytest.mark.parametrize("plant", [os.mkfifo, os.mkdir, lambda path: os.symlink("/etc/hostname", path)])
def test_what_is_no_regular_file_is_not_read(tmp_path: Path, plant: object) -> None:
    """A FIFO does not block, a link is not followed."""
    assert callable(plant)
    plant(str(tmp_path / "x.json"))
    with pytest.raises(OSError, match=r"regular|symbolic"):
        document.load(str(tmp_path / "x.json"), 1000)


def test_a_missing_file_is_the_systems_own_error(tmp_path: Path) -> None:
    """The caller knows best what it means."""
    with pytest.raises(FileNotFoundError):
        document.load(str(tmp_path / "x.json"), 1000)


@pytest.mark.parametrize(
    "text", ["{", '{"a": }', '{"a": [1, 2', '{"a": "\\x"}', "nul", '{"a": 1} x', '{"a": 1e999}', ""]
)
def test_what_is_wrong_is_said_alike_before_and_after_json_is_known(text: str) -> None:
    """The scanner of the json module is used without the module, which it asks for its error."""
    script = (
        "import sys\nfrom orchestrator.files import document\n"
        "def told():\n"
        "    try:\n        return document.parse(sys.argv[1].encode())\n"
        "    except document.Malformed as error:\n        return str(error)\n"
        "assert 'json' not in sys.modules\nfirst = told()\nimport json, json.decoder\n"
        "document._made.clear()\nassert first == told(), first\nprint(first)\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", script, text], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()
