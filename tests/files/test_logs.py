"""What tasks wrote, read back."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.effects.output import cut
from orchestrator.engine import flags
from orchestrator.engine.events import AttemptExited, CancelRequested, RetryRequested, RollbackRequested
from orchestrator.files.layout import log_path, log_stem
from orchestrator.files.logs.file import CHUNK_BYTES, Lines, Log, clean
from orchestrator.files.logs.follow import Followed
from orchestrator.files.logs.selection import STREAMS, NoSuchPart, Selection, Written
from orchestrator.files.state import next_daemon
from orchestrator.model.errors import BadId, NoDaemon, NotFound
from tests.support.foreign_directory import make_foreign
from tests.support.live import wait_for
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan
from tests.support.users import unprivileged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.engine.events import Event
    from orchestrator.files.rows import Row

#: An item that is no file name, so that its logs have a hash for one.
STRANGE = "ünï/code 1"


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """A directory of ours where w runs: a.x and a.STRANGE are at work, b waits."""
    made = OwnDirectory(tmp_path / "own")
    made.submit(plan(operation("a", ("x", STRANGE)), operation("b", ("y",), ("a",))), "w")
    return made


@contextmanager
def a_daemon(own: OwnDirectory) -> Iterator[None]:
    """The lock is held meanwhile."""
    lock = own.hold()
    try:
        yield
    finally:
        lock.release()


def path_of(own: OwnDirectory, operation: str, item: str, stream: str = "out", attempt: int = 1) -> Path:
    """Of a log."""
    return Path(log_path(own.path, "w", log_stem(operation, "local", item, attempt), stream))


def put(own: OwnDirectory, operation: str, item: str, text: str | bytes, **which: Any) -> Path:
    """Write a log, as a task does: at its end."""
    path = path_of(own, operation, item, **which)
    with path.open("ab") as log:
        log.write(text if isinstance(text, bytes) else text.encode())
    return path


def all_of(source: Written | Followed) -> list[Row]:
    """Its rows up to its end."""
    found: list[Row] = []
    while True:
        try:
            found += source.poll()
        except StopIteration:
            source.close()
            return found


def lines(
    own: OwnDirectory, subject: str = "w", *, tail: int | None = None, raw: bool = False, **which: Any
) -> list[str]:
    """The lines that are written."""
    return [row["line"] for row in all_of(Written(Selection(own.path, subject, **which), raw=raw, tail=tail))]


def test_rows_are_in_the_order_of_the_plan(own: OwnDirectory) -> None:
    """Operations, items, attempts, out before err; a hashed name is told as the item it stands for."""
    put(own, "a", STRANGE, "second\n")
    put(own, "a", "x", "complaint\n", stream="err")
    put(own, "a", "x", "one\ntwo\n")
    rows = all_of(Written(Selection(own.path, "w")))
    assert list(rows[0].items()) == [
        *(("operation", "a"), ("item", "x"), ("provider", "local"), ("attempt", 1), ("undo", False)),
        *(("stream", "out"), ("line", "one")),
    ]
    assert [(row["item"], row["stream"], row["line"]) for row in rows] == [
        ("x", "out", "one"),
        ("x", "out", "two"),
        ("x", "err", "complaint"),
        (STRANGE, "out", "second"),
    ]
    assert path_of(own, "a", STRANGE).name.startswith("h-")


def test_chosen_ones(own: OwnDirectory) -> None:
    """By operation, item, provider, attempt, stream, status of the task, and by the id of a task."""
    put(own, "a", "x", "of x\n")
    put(own, "a", STRANGE, "of strange\n")
    put(own, "a", STRANGE, "wrong\n", stream="err")
    assert lines(own, operation="a", item="x") == lines(own, "w.a.local.x") == ["of x"]
    assert lines(own, f"w.a.local.{STRANGE}", streams=("err",)) == ["wrong"]
    assert lines(own, operation="b") == []
    assert len(lines(own, provider="local", attempt=1)) == 3
    assert lines(own, statuses=("failed",)) == []


@pytest.mark.parametrize(
    ("which", "part", "help_text"),
    [
        ({"operation": "aa"}, "operation", "There are: a, b."),
        ({"item": "z", "operation": "a"}, "item", f"There are: x, {STRANGE}."),
        ({"item": "y", "operation": "a"}, "item", "There are: x"),
        ({"provider": "locla"}, "provider", "Did you mean local? There are: local."),
        ({"attempt": 2}, "attempt", "Attempts are 1 to 1."),
        ({"attempt": 0}, "attempt", "Attempts are 1 to 1."),
        ({"attempt": 1, "operation": "b"}, "attempt", "Nothing of it has been started."),
    ],
)
def test_what_is_not_in_the_workflow(own: OwnDirectory, which: dict[str, Any], part: str, help_text: str) -> None:
    """Is told at once, with what there is."""
    with pytest.raises(NoSuchPart) as told:
        Selection(own.path, "w", **which)
    assert told.value.part == part
    assert help_text in told.value.help


def test_what_is_not_there(own: OwnDirectory, tmp_path: Path) -> None:
    """No workflow, no task, no directory, one of another program, an id that is none."""
    for subject in ("v", "v.a.local.x"):
        with pytest.raises(NotFound, match="There is no workflow v"):
            Selection(own.path, subject)
    with pytest.raises(NotFound, match=r"There is no task w\.a\.local\.xx") as told:
        Selection(own.path, "w.a.local.xx")
    assert "Did you mean w.a.local.x?" in told.value.help
    with pytest.raises(BadId):
        Selection(own.path, "../w")
    with pytest.raises(NotFound, match="There is no data directory"):
        Selection(str(tmp_path / "nowhere"), "w")
    with pytest.raises(NotFound, match="another program writes it"):
        Selection(make_foreign(tmp_path / "foreign"), "w")


def test_logs_of_an_archived_workflow_are_gone(own: OwnDirectory) -> None:
    """Which is said, with where the rest of it is."""
    state = Path(own.path, "workflows", "w", "state.json").read_text()
    for path in sorted(Path(own.path, "workflows", "w").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    line = state.replace("{", '{"entry": "workflow", ', 1).replace("\n", "")
    Path(own.path, "archive", "w.jsonl").write_text(f"{line}\n")
    with pytest.raises(NotFound, match="w is archived, and its logs are gone") as told:
        Selection(own.path, "w")
    assert "archive/w.jsonl" in told.value.help


def test_what_acts_on_a_terminal_is_taken_out(own: OwnDirectory) -> None:
    """Colours, titles, bells, hyperlinks, turned text; with `raw` nothing is. What is not UTF-8 is replaced."""
    wild = "\x1b[31mred\x1b[0m \x1b]0;title\x07a\tb\x08\x1b]8;;http://x\x1b\\link\x1b(B \x9b1m\u202eend\x7f\r\n"
    put(own, "a", "x", wild.encode() + b"\xff\xfe ok\n\x1b]0;not ended\nnext\n")
    assert lines(own) == ["red a\tblink 1mend", "\ufffd\ufffd ok", "", "next"]
    assert lines(own, raw=True)[0] == wild.removesuffix("\n")
    assert clean("plain ü 漢 \t\n") == "plain ü 漢 \t\n"


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 5])
def test_lines_are_whole_however_the_file_is_read(own: OwnDirectory, size: int) -> None:
    """A character of three bytes at the seam of two pieces stays one; the last line needs no end."""
    text = "x" * size + "漢字\n" * 3 + "last"
    put(own, "a", "x", text)
    found = lines(own)
    assert "".join(found) == text.replace("\n", "")
    assert found[-3:] == ["漢字", "漢字", "last"]
    assert all(len(line.encode()) <= 2 * CHUNK_BYTES for line in found)
    assert "\ufffd" not in "".join(found)


def test_a_long_line_without_an_end_comes_in_pieces(own: OwnDirectory) -> None:
    """So that it costs no memory; characters stay whole."""
    text = "漢" * CHUNK_BYTES
    put(own, "a", "x", text)
    found = lines(own)
    assert len(found) >= 3
    assert "".join(found) == text


@pytest.mark.parametrize("text", ["", "a", "a\n", "a\nb\nc", "a\nb\nc\n", "\n\n\n", "x" * 200_000 + "\nb\n"])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 100])
def test_the_last_lines(own: OwnDirectory, text: str, count: int) -> None:
    """Of each log, with or without an end of the last line."""
    put(own, "a", "x", text)
    put(own, "a", "x", "e1\ne2\n", stream="err")
    whole = lines(own, streams=("out",))
    expected = whole[len(whole) - min(count, len(whole)) :]
    if len(text) < CHUNK_BYTES or count < 2:
        assert lines(own, tail=count, streams=("out",)) == expected
    assert lines(own, tail=count, streams=("err",)) == ["e1", "e2"][2 - min(count, 2) :]


def test_links_and_fifos_are_not_followed(own: OwnDirectory, tmp_path: Path) -> None:
    """A task may put anything in place of its log: it is told, and the other logs are shown."""
    secret = tmp_path / "secret"
    secret.write_text("secret\n")
    path_of(own, "a", "x").symlink_to(secret)
    os.mkfifo(path_of(own, "a", "x", "err"))
    put(own, "a", STRANGE, "fine\n")
    for source in (Written(Selection(own.path, "w")), Written(Selection(own.path, "w"), tail=3)):
        assert [row["line"] for row in all_of(source)] == ["fine"]
        link, fifo = source.problems
        assert "symbolic link" in link
        assert "not a regular file" in fifo


def test_a_log_that_may_not_be_read(own: OwnDirectory) -> None:
    """Says whose it is and what to do (requirement R2-30)."""
    path = put(own, "a", "x", "text\n")
    log = Log(("a", "local", "x"), 1, "out", str(path))
    path.chmod(0)
    with unprivileged():
        unread = Lines(log)
        assert unread.next() == []
    assert "may not read" in unread.problem
    assert "chmod" in unread.problem


def undone(own: OwnDirectory) -> None:
    """The workflow `v` was done, undone, run again, and is being undone again; each attempt says a line."""
    own.submit(plan(operation("c", undo="u")), "v")
    steps: tuple[Event, ...] = (
        RollbackRequested("v", "back", "ann", "", flags.CURRENT),
        RetryRequested("v", "again", "ann", flags=flags.CURRENT),
        RollbackRequested("v", "once more", "ann", "", flags.CURRENT),
    )
    for attempt, event in enumerate(steps, start=1):
        Path(log_path(own.path, "v", log_stem("c", "local", "x", attempt), "out")).write_text(f"{attempt}\n")
        own.happen(AttemptExited("v.c.local.x", attempt, 0))
        own.happen(event)


def test_attempts_that_undo_are_told_from_retries(own: OwnDirectory) -> None:
    """By the state of the workflow; of an older form, as far as it tells. Followed, by the journal."""
    with a_daemon(own):
        undone(own)
        Path(log_path(own.path, "v", log_stem("c", "local", "x", 4), "out")).write_text("4\n")
        source = Followed(Selection(own.path, "v"))
        before = [row for _ in range(9) for row in source.poll()]
        own.happen(AttemptExited("v.c.local.x", 4, 1))
        rows = all_of(source)
        own.happen(RollbackRequested("v", "last", "ann", "", flags.CURRENT))
        Path(log_path(own.path, "v", log_stem("c", "local", "x", 5), "out")).write_text("5\n")
        followed = Followed(Selection(own.path, "v"))
        met = [row for _ in range(9) for row in followed.poll()]
        own.happen(AttemptExited("v.c.local.x", 5, 0))
        met += all_of(followed)
    expected = [("1", False), ("2", True), ("3", False), ("4", True), ("5", True)]
    assert [(row["line"], row["undo"]) for row in before + rows] == expected[:4]
    assert [(row["line"], row["undo"]) for row in met] == expected
    assert [(row["line"], row["undo"]) for row in all_of(Written(Selection(own.path, "v")))] == expected
    older = Selection(own.path, "v")
    for entry in older.state["operations"][0]["items"]:
        del entry["undoings"]
    assert [row["undo"] for row in all_of(Written(older))] == [False, False, False, False, True]
    older.state["operations"][0]["items"][0]["undoings"] = "hostile"
    assert [row["undo"] for row in all_of(Written(older))][-1] is True


def test_what_comes_while_it_is_followed_says_whether_it_undoes(own: OwnDirectory) -> None:
    """No state has told of it yet; nothing comes twice though what did it is `rolling_back` for a moment."""
    with a_daemon(own):
        own.submit(plan(operation("c", undo="u")), "v")
        source = Followed(Selection(own.path, "v"))
        for attempt in (1, 2):
            Path(log_path(own.path, "v", log_stem("c", "local", "x", attempt), "out")).write_text(f"{attempt}\n")
        own.happen(RollbackRequested("v", "back", "ann", "", flags.CURRENT))
        own.happen(AttemptExited("v.c.local.x", 1, 0))
        own.happen(AttemptExited("v.c.local.x", 2, 0))
        assert [(row["line"], row["undo"]) for row in all_of(source)] == [("1", False), ("2", True)]


def test_a_log_that_is_gone_is_left_out(own: OwnDirectory) -> None:
    """It was there when the folder was looked through."""
    path = put(own, "a", "x", "text\n")
    source = Written(Selection(own.path, "w"))
    put(own, "a", STRANGE, "kept\n")
    first = source.poll()
    path.unlink()
    assert [row["line"] for row in [*first, *all_of(source)]] == ["text", "kept"]


def test_a_huge_log_costs_no_memory(own: OwnDirectory) -> None:
    """Each poll holds a piece of it."""
    path = put(own, "a", "x", "0123456789abcde\n" * (1 << 20))
    source = Written(Selection(own.path, "w"))
    count = 0
    while path.stat().st_size > count * 16:
        found = source.poll()
        assert len(found) * 16 <= 2 * CHUNK_BYTES
        count += len(found)
    assert count == 1 << 20


# --- following ---------------------------------------------------------------------------------------------------


def following(own: OwnDirectory, subject: str = "w", *, tail: int | None = None, **which: Any) -> Followed:
    """From now on."""
    return Followed(Selection(own.path, subject, may_come=True, **which), tail=tail)


def test_following_gives_what_was_and_what_comes(own: OwnDirectory) -> None:
    """Whole lines while a task runs, the rest when it is over; the end is the workflow's."""
    put(own, "a", "x", "before\nbeg")
    source = following(own)
    assert [row["line"] for row in source.poll()] == ["before"]
    assert source.poll() == []
    put(own, "a", "x", "un\nno end")
    put(own, "a", STRANGE, "other\n")
    assert [row["line"] for row in source.poll()] == ["begun", "other"]
    own.happen(AttemptExited("w.a.local.x", 1, 0))
    assert [row["line"] for row in source.poll()] == ["no end"]
    own.happen(AttemptExited(f"w.a.local.{STRANGE}", 1, 0))
    put(own, "b", "y", "later\n")
    own.happen(AttemptExited("w.b.local.y", 1, 0))
    assert [row["line"] for row in all_of(source)] == ["later"]


def test_following_knows_what_the_state_does_not_show_yet(own: OwnDirectory) -> None:
    """State files follow behind the journal: what stands between the two is not lost."""
    state = Path(own.path, "workflows", "w", "state.json")
    old = state.read_bytes()
    for item in ("x", STRANGE):
        put(own, "a", item, f"{item}\n")
        own.happen(AttemptExited(f"w.a.local.{item}", 1, 0))
    put(own, "b", "y", "y\n")
    own.happen(AttemptExited("w.b.local.y", 1, 0))
    state.write_bytes(old)
    assert sorted(row["line"] for row in all_of(following(own))) == ["x", "y", STRANGE]


def test_following_one_task_ends_with_it(own: OwnDirectory) -> None:
    """The workflow may go on."""
    put(own, "a", "x", "mine\n")
    put(own, "a", STRANGE, "not mine\n")
    source = following(own, "w.a.local.x")
    assert [row["line"] for row in source.poll()] == ["mine"]
    own.happen(AttemptExited("w.a.local.x", 1, 3))
    assert all_of(source) == []
    assert [row["line"] for row in all_of(following(own, "w.a.local.x"))] == ["mine"]


def test_following_what_is_over_is_reading_it(own: OwnDirectory) -> None:
    """Also when it was cancelled."""
    put(own, "a", "x", "one\ntwo")
    own.happen(CancelRequested("w", "key", "somebody"))
    for item in ("x", STRANGE):
        own.happen(AttemptExited(f"w.a.local.{item}", 1, 143))
    assert [row["line"] for row in all_of(following(own))] == ["one", "two"]
    assert [row["line"] for row in all_of(following(own, tail=1))] == ["two"]


def test_following_without_a_daemon_ends_with_an_error(own: OwnDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody would ever write anything; with one it waits, and for the next one a while."""
    monkeypatch.setattr(next_daemon, "LOOK_S", 0.0)
    source = following(own)
    with a_daemon(own):
        assert source.poll() == []
        assert source.pause_s > 0
    assert source.poll() == []
    assert source.problems == ["the daemon is gone; w goes on with the next one, which is waited for."]
    monkeypatch.setattr(next_daemon, "WAIT_S", 0.0)
    with pytest.raises(NoDaemon, match="w is not over") as told:
        source.poll()
    assert "To see it again: batch logs w --follow." in told.value.help


def test_following_when_the_journal_has_gone_on(own: OwnDirectory) -> None:
    """Segments were removed meanwhile: the state is asked again, and nothing of what is kept is missed."""
    put(own, "a", "x", "x\n")
    state = Path(own.path, "workflows", "w", "state.json")
    old = state.read_bytes()
    chosen = Selection(own.path, "w", may_come=True)
    own.happen(AttemptExited("w.a.local.x", 1, 0))
    put(own, "a", STRANGE, "s\n")
    own.happen(AttemptExited(f"w.a.local.{STRANGE}", 1, 0))
    put(own, "b", "y", "y\n")
    own.happen(AttemptExited("w.b.local.y", 1, 0))
    assert old != state.read_bytes()
    own.next_life()
    for segment in sorted(Path(own.path, "journal").glob("*.jsonl"))[:-1]:
        segment.unlink()
    assert sorted(row["line"] for row in all_of(Followed(chosen))) == ["s", "x", "y"]


def test_following_while_a_task_writes(own: OwnDirectory) -> None:
    """Every line once, whatever the moment at which it is looked."""
    expected = [f"line {number}" for number in range(2000)]

    def write() -> None:
        for line in expected:
            for half in (line[:3], f"{line[3:]}\n"):
                put(own, "a", "x", half)

    writer = threading.Thread(target=write)
    source = following(own, "w.a.local.x", streams=STREAMS)
    writer.start()
    found: list[str] = []

    def take() -> bool:
        found.extend(row["line"] for row in source.poll())
        return not writer.is_alive() and len(found) >= len(expected)

    with a_daemon(own):
        wait_for(take, "the lines")
    writer.join()
    source.close()
    assert found == expected


def test_a_log_that_is_cut_under_its_reader_goes_on_at_the_cut(own: OwnDirectory) -> None:
    """A flood loses what was dropped, and nothing that came later (`orchestrator.effects.output`)."""
    path = put(own, "a", "x", "".join(f"line {number:04}\n" for number in range(200)))
    followed = Lines(Log(("a", "local", "x"), 1, "out", str(path)))
    assert len(followed.next(final=False)) == 200
    assert cut(str(path).removesuffix(".out"), 1000) > 0
    for begin, end in ((0, 60), (60, 7000)):
        with path.open("a") as file:
            file.writelines(f"later {number:04}\n" for number in range(begin, end))
        told: list[str] = []
        while some := followed.next(final=False):
            told += some
        if begin == 0:
            assert "bytes were dropped here" in told.pop(0)
        assert told == [f"later {number:04}" for number in range(begin, end)]
