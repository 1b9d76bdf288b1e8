"""Public files against the journal."""

from __future__ import annotations

import json

from orchestrator.engine.events import AttemptExited
from orchestrator.store import project
from orchestrator.store.verify import rebuild, verify
from tests.store.test_recover import SAMPLE, Life, a_short_life
from tests.support.plans import started


def write_all(life: Life) -> None:
    """Every public file as it should be now."""
    for task in life.world.tasks.values():
        path, content = project.task_file(task)
        life.disk.replace(f"/d/{path}", content, durable=False)
    for workflow in life.world.workflows.values():
        path, content = project.state_file(workflow)
        life.disk.replace(f"/d/{path}", content, durable=False)


def kinds(life: Life) -> list[str]:
    """What `verify` finds, by kind."""
    return sorted(finding.kind for finding in verify(life.disk, "/d").findings)


def test_files_that_are_as_the_journal_says_have_no_findings() -> None:
    """All eight files are compared."""
    life = a_short_life()
    write_all(life)
    found = verify(life.disk, "/d")
    assert (found.files, found.findings) == (8, [])


def test_a_file_of_an_earlier_record_is_late_and_no_fault() -> None:
    """It is what that record made it; newer ones have not been written yet."""
    life = Life()
    life.happen(started())
    life.submit(SAMPLE, "w1")
    write_all(life)
    life.happen(AttemptExited("w1.a.local.x", 1, 0))
    assert kinds(life) == ["late", "late"]
    assert not any(finding.is_fault for finding in verify(life.disk, "/d").findings)


def test_a_changed_file_is_found() -> None:
    """One changed fact in one file is one finding, which names it."""
    life = a_short_life()
    write_all(life)
    path = "/d/tasks/w1.a.local.x.json"
    row = json.loads(life.disk.content(path))
    row["priority"] = 7
    life.disk.replace(path, project.encode_lines(row), durable=False)
    findings = verify(life.disk, "/d").findings
    assert [(finding.kind, finding.path) for finding in findings] == [("differs", "tasks/w1.a.local.x.json")]
    assert findings[0].is_fault


def test_missing_and_unknown_files_are_found() -> None:
    """A file the journal knows and one it does not know."""
    life = a_short_life()
    write_all(life)
    life.disk.remove("/d/tasks/w1.a.local.x.json")
    life.disk.replace("/d/tasks/invented.json", b'{"id": "invented", "seq": 1}', durable=False)
    assert kinds(life) == ["missing", "unexpected"]


def test_a_file_that_is_torn_says_so() -> None:
    """Not that it shows a record; and what helps is told once."""
    life = a_short_life()
    write_all(life)
    for path in ("tasks/w1.a.local.x.json", "workflows/w1/state.json"):
        whole = life.disk.content(f"/d/{path}")
        for torn in (whole[: len(whole) // 2], b"", b"[]", b'{"seq": "x"}'):
            life.disk.replace(f"/d/{path}", torn, durable=False)
            found = verify(life.disk, "/d")
            message = "it is torn or was changed: it is no JSON object with a `seq`"
            assert [(one.kind, one.path, one.message) for one in found.findings] == [("differs", path, message)]
            assert "`orchestrator rebuild`" in found.remedy
        life.disk.replace(f"/d/{path}", whole, durable=False)
    assert verify(life.disk, "/d").remedy == ""
    life.disk.replace("/d/tasks/w1.a.local.x.json", b'{"seq": 1}', durable=False)
    message = verify(life.disk, "/d").findings[0].message
    assert message == "it shows record 1, which has not changed this task"


def test_rebuild_makes_every_file_anew() -> None:
    """Whatever was changed, missing or invented: afterwards nothing is to be found (RX-02, RX-03)."""
    life = a_short_life()
    write_all(life)
    before = {
        path: content for path, content in life.disk.files.files().items() if "/tasks/" in path or "state" in path
    }
    for number, path in enumerate(before):
        life.disk.replace(path, b"nonsense", durable=False) if number % 2 else life.disk.remove(path)
    life.disk.replace("/d/tasks/invented.json", b"{}", durable=False)
    assert rebuild(life.disk, "/d") == 8
    assert kinds(life) == []
    assert {path: life.disk.content(path) for path in before} == before
    assert life.disk.read("/d/tasks/invented.json") is None
