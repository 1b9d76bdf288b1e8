"""docs/speed-nushell.md shows what was recorded beside it, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "speed-nushell.md"
DRAW = [sys.executable, str(ROOT / "tools" / "speed.py")]


def _figure(median: float) -> dict[str, float]:
    return {"median": median, "p95": median * 2, "runs": 3}


def _recorded() -> dict[str, Any]:
    """Figures in which the file system takes a tenth of a millisecond a task."""
    sizes = {}
    for size in (100, 10_000):
        files = _figure(size / 10)
        every = {"orch": _figure(3), "orch --long": _figure(6), "ls | each open": files}
        packed = {"open x.msgpack": _figure(4), "open x.msgpack, same columns": _figure(2)}
        sizes[str(size)] = {
            "query": {"orch": _figure(0.5), "ls | each open": files},
            "all": {**every, **packed},
            "status": {"orch": _figure(0.1), "open status.json": _figure(0.2)},
            "cold": {"orchestrator status": _figure(20)},
            "memory": {"plugin, all": 51_200},
        }
    return {"nu": "0.0.1", "limit": 50, "sizes": sizes, "prompt": {"status": _figure(0.25)}}


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A copy of the page beside figures of our own, drawn."""
    path = tmp_path / "page.md"
    path.write_text(PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    path.with_suffix(".json").write_text(json.dumps(_recorded()), encoding="utf-8")
    subprocess.run([*DRAW, str(path)], check=True)
    return path


def test_the_page_is_up_to_date() -> None:
    """Otherwise: python tools/speed.py docs/speed-nushell.md."""
    done = subprocess.run([*DRAW, "--check", str(PAGE)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_figures_come_into_the_tables(page: Path) -> None:
    """With the ratio to ours, and the budgets."""
    text = page.read_text(encoding="utf-8")
    assert "| **`orch`** | 0.50 | 0.50 |" in text
    assert "| `ls \\| each open` | 10.0 (20 x) | 1,000 (2,000 x) |" in text
    assert "| P1 | `orch status`, directory given, one after another | 0.25 | 0.50 | 0.3 |" in text
    assert "| P4 all rows, times faster than opening the files | 10,000 | 333 x | | 10 at least |" in text
    assert "| plugin, all | 50 | 50 |" in text


def test_a_figure_that_changed_is_noticed(page: Path) -> None:
    """By --check, in the page and in the picture."""
    assert subprocess.run([*DRAW, "--check", str(page)]).returncode == 0
    found = _recorded()
    found["sizes"]["100"]["query"]["orch"]["median"] = 0.7
    page.with_suffix(".json").write_text(json.dumps(found), encoding="utf-8")
    done = subprocess.run([*DRAW, "--check", str(page)], capture_output=True, text=True)
    assert done.returncode == 1
    assert "page.md" in done.stderr
    assert "page.svg" in done.stderr


def test_the_picture_has_a_line_for_everybody(page: Path) -> None:
    """Higher is slower; names do not lie on one another."""
    root = ET.parse(page.with_suffix(".svg")).getroot()
    texts = [element for element in root if element.tag.endswith("text")]
    lines = {element.get("stroke"): element.get("d") for element in root if element.get("stroke-linejoin")}
    assert len(lines) == 3
    assert {"orch tasks", "ls | each open", "open x.msgpack"} <= {element.text for element in texts}
    places = [(element.get("x"), float(element.get("y") or 0)) for element in texts if element.get("x")]
    for x in {x for x, _ in places}:
        column = sorted(y for at, y in places if at == x)
        assert all(after - before >= 12 for before, after in pairwise(column))
