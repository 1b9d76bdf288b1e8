"""A `Board` as lines: what stands where, in which words, within so many cells and lines. Who draws them knows colours.

A line is a list of (text, style); a style is a status, `TITLE`, `FAINT` or ``""``. Nothing is wider or longer than it
may be, however many workflows, operations and tasks there are: what is left out is counted.
"""

from orchestrator.files.terminal_text import clean, cut, elapsed, padded, width
from orchestrator.model.states import TASK_FINAL, TASK_STATUSES
from orchestrator.model.times import parse_rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from orchestrator.files.displays.board import Board, OperationView, WorkflowView

    #: (text, style)
    Part = tuple[str, str]
    Line = list[Part]

TITLE, FAINT = "title", "faint"

#: Under what a display is of use at all.
COLUMNS_MIN, LINES_MIN = 20, 3

_BAR_CELLS = 24
_BAR_CELLS_NARROW = 10
_WIDE = 90

#: Cells for a name at most, of a share of the line.
_NAME_SHARE = 0.4

#: Tasks that run, and changes, which are shown at most.
_RUNNING_MAX = 8
_LATEST_MAX = 5

#: What a status looks like in a bar without colours: over, at work, to come.
_OVER, _AT_WORK, _TO_COME = "━", "╍", "─"

#: Of a task that runs and does not tell since when; behind all times.
_UNKNOWN = "~"

_WORKS = frozenset({"running", "rolling_back", "waiting_retry", "unknown"})


class BoardText:
    """Draws `board` into `columns` x `lines` cells at most, as it is at `now_us` (microseconds since 1970)."""

    def __init__(self, board: "Board", now_us: int, columns: int, lines: int) -> None:
        self._board = board
        self._now_us = now_us
        self._columns = max(columns, 1)
        self._lines = max(lines, 1)

    def workflow(self, view: "WorkflowView") -> "list[Line]":
        """One workflow: itself, a line for each operation with its last fault below, what runs."""
        running = [view] if view.running and not view.is_over else []
        head = [self._workflow_line(view, width(clean(view.id)))]
        if view.reason and view.is_over:
            head.append([(f"  {clean(view.reason)}", view.status)])
        room = self._lines - len(head)
        bottom = min(len(view.running) + 1, _RUNNING_MAX, room // 3) if running else 0
        found = head + self._operations(list(view.operations.values()), room - bottom)
        found += self._running(running, min(bottom, self._lines - len(found)))
        return [self._fitted(line) for line in found[: self._lines]]

    def everything(self) -> "list[Line]":
        """All workflows that are not over and the last that ended, what runs, what happened last."""
        open_views = self._board.unfinished
        over = [view for view in self._board.views.values() if view.is_over][-3:]
        room = self._lines - 1
        latest = min(len(self._board.latest), _LATEST_MAX, room // 4)
        runs = sum(len(view.running) for view in open_views)
        bottom = min(runs + 1, _RUNNING_MAX, room // 3) if runs else 0
        found = [self._summary(open_views)]
        found += self._workflows([*over, *open_views], room - bottom - latest - (1 if latest else 0))
        found += self._running(open_views, bottom)
        if latest:
            found.append([("latest", FAINT)])
            found += [self._change(row) for row in self._board.latest[-latest:]]
        return [self._fitted(line) for line in found[: self._lines]]

    # --- lines -----------------------------------------------------------------------------------------------

    def _summary(self, views: "list[WorkflowView]") -> "Line":
        if not views:
            return [("No workflow is under way.", TITLE)]
        counts: dict[str, int] = {}
        for view in views:
            counts[view.status] = counts.get(view.status, 0) + 1
        told = "1 workflow" if len(views) == 1 else f"{len(views)} workflows"
        line = [(f"{told}: ", TITLE)]
        return line + _joined([(f"{count} {status}", status) for status, count in counts.items()])

    def _workflows(self, views: "list[WorkflowView]", room: int) -> "list[Line]":
        shown, left = _chosen(views, room, key=lambda view: (view.is_over, not view.running))
        wide = self._name_cells([view.id for view in shown])
        found = [self._workflow_line(view, wide) for view in shown]
        return found + ([[(f"… {left} more", FAINT)]] if left else [])

    def _workflow_line(self, view: "WorkflowView", wide: int) -> "Line":
        line = [(padded(clean(view.id), wide), TITLE), ("  ", ""), (f"{view.status:9}", view.status), ("  ", "")]
        line += [*self._bar(view.counts, view.total), (f" {view.done}/{view.total}", "")]
        took = self._between(view.started, view.finished)
        line += [("  ", ""), (took, "")] if took else []
        return [*line, ("  ", ""), *_counted(view.counts)]

    def _operations(self, views: "list[OperationView]", room: int) -> "list[Line]":
        shown, left = _chosen(views, room, key=_urgency)
        wide = self._name_cells([view.id for view in shown])
        total = max((len(str(view.total)) for view in shown), default=1)
        spare = room - len(shown) - (1 if left else 0)
        found: list[Line] = []
        for view in shown:
            line = [(f"  {padded(clean(view.id), wide)}", ""), ("  ", ""), *self._bar(view.counts, view.total)]
            line.append((f" {view.done:{total}}/{view.total}", ""))
            line.append((f"  {self._between(view.started, view.finished):>6}  ", FAINT))
            found.append(line + _counted(view.counts))
            if view.fault and spare > 0:
                spare -= 1
                style = "waiting_retry" if view.counts.get("waiting_retry") else "failed"
                found.append([("    ", ""), (clean(view.fault), style)])
        if left:
            rest = [view for view in views if view not in shown]
            counts: dict[str, int] = {}
            for view in rest:
                for status, count in view.counts.items():
                    counts[status] = counts.get(status, 0) + count
            told = "operation" if left == 1 else "operations"
            found.append([(f"  … {left} more {told}: ", FAINT), *_counted(counts)])
        return found

    def _running(self, views: "list[WorkflowView]", room: int) -> "list[Line]":
        """What runs, the longest first."""
        tasks = [
            (since or _UNKNOWN, task, attempt) for view in views for task, (since, attempt) in view.running.items()
        ]
        if room < 2 or not tasks:
            return []
        tasks.sort()
        rows = room - 1 if len(tasks) <= room - 1 else room - 2
        found: list[Line] = [[("running", FAINT)]]
        for since, task, attempt in tasks[:rows]:
            again = f"  attempt {attempt}" if attempt > 1 else ""
            name = self._short(task)
            found.append(
                [
                    (f"  {self._between(None if since is _UNKNOWN else since, None):>6}", ""),
                    (f"  {name}{again}", "running"),
                ]
            )
        if len(tasks) > rows:
            found.append([(f"  … {len(tasks) - rows} more", FAINT)])
        return found

    def _change(self, row: "dict[str, object]") -> "Line":
        from time import localtime, strftime

        seconds = _micros(row["time"]) // 1_000_000
        status = str(row["status"])
        reason = f"  {clean(str(row['reason']))}" if row["reason"] and status != "running" else ""
        name = self._short(str(row["task"] or row["workflow"]))
        clock = strftime("%H:%M:%S", localtime(seconds))
        return [(f"  {clock}  ", FAINT), (f"{status:15}", status), (name + reason, "")]

    # --- parts -----------------------------------------------------------------------------------------------

    def _bar(self, counts: "dict[str, int]", total: int) -> "list[Part]":
        """What is over on the left, then what is at work; each cell stands for a share of the tasks."""
        cells = _BAR_CELLS if self._columns >= _WIDE else _BAR_CELLS_NARROW
        if not total:
            return [(_TO_COME * cells, FAINT)]
        order = sorted(counts, key=lambda status: (status not in TASK_FINAL, status not in _WORKS))
        found: list[Part] = []
        before = passed = 0
        for status in order:
            passed += counts[status]
            until = passed * cells // total
            if counts[status] and until == before and status in _WORKS and before < cells:
                until = before + 1  # what is at work is seen, however little of all it is
            until = max(until, before)
            mark = _OVER if status in TASK_FINAL else _AT_WORK if status in _WORKS else _TO_COME
            found.append((mark * (until - before), status))
            before = until
        return [part for part in found if part[0]]

    def _name_cells(self, names: "Sequence[str]") -> int:
        longest = max((width(clean(name)) for name in names), default=0)
        return min(longest, max(int(self._columns * _NAME_SHARE), 8))

    def _short(self, task: str) -> str:
        """A task for people; without its workflow where only one is known."""
        parts = task.split(".", 3)
        if len(parts) < 4:
            return clean(task)
        return clean(" ".join(([] if len(self._board.views) == 1 else [parts[0]]) + [parts[1], parts[3]]))

    def _between(self, began: "str | None", ended: "str | None") -> str:
        if began is None:
            return ""
        start = _micros(began)
        return elapsed(((_micros(ended) if ended else self._now_us) - start) / 1e6) if start else ""

    def _fitted(self, line: "Line") -> "Line":
        """`line` cut to the width."""
        room = self._columns
        found: Line = []
        for text, style in line:
            part = cut(text, room)
            if part:
                found.append((part, style))
            room -= width(part)
            if part != text or room <= 0:
                break
        return found


def _chosen(views: "list[Any]", room: int, key: "Callable[[Any], Any]") -> "tuple[list[Any], int]":
    """(the most urgent of `views` that fit into `room` lines, in their order, how many are left out)."""
    if len(views) <= room:
        return views, 0
    room = max(room - 1, 0)
    order = sorted(range(len(views)), key=lambda place: (key(views[place]), place))[:room]
    return [views[place] for place in sorted(order)], len(views) - room


def _urgency(view: "OperationView") -> int:
    """What is at work first, then what went wrong, then what comes next, then what is done."""
    if any(view.counts.get(status) for status in _WORKS):
        return 0
    if view.fault and view.done < view.total:
        return 1
    if view.counts.get("failed") or view.counts.get("timed_out") or view.counts.get("rollback_failed"):
        return 2
    return 3 if view.done < view.total else 4


def _counted(counts: "dict[str, int]") -> "Line":
    return _joined([(f"{counts[status]} {status}", status) for status in TASK_STATUSES if counts.get(status)])


def _joined(parts: "Line") -> "Line":
    found: Line = []
    for part in parts:
        found += [("  ", ""), part] if found else [part]
    return found


def _micros(text: object) -> int:
    """Microseconds since 1970; 0 for what is no time."""
    try:
        return parse_rfc3339(str(text))
    except (ValueError, OverflowError):
        return 0
