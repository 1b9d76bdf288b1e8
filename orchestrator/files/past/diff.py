"""What changed between two moments, for ``orch diff``: a row for each task and workflow that is another than it was.

Another is what has another status, attempt or reason, what has come, and what went into the archive. What changed and
changed back is left out; ``orch watch`` tells every step.
"""

from orchestrator.files.past.moment import again, check_reached, fold, worlds_between
from orchestrator.files.past.state import meant_then

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.files.moments import Position
    from orchestrator.files.past.world import PastWorld, Record
    from orchestrator.files.rows import Row

    #: (is a task, id)
    Key = tuple[bool, str]

    #: (status, attempt, reason); a workflow has no attempt.
    Shape = tuple[str, int | None, str]


def changes_between(
    data_dir: str, since: "Position", until: "Position", *, workflow: "str | None" = None, cwd: str = "/"
) -> "list[Row]":
    """A row for each task and workflow that changed, in the order in which they began to.

    ``kind`` (``workflow``, ``task``), ``id, workflow, change`` (``appeared``, ``archived``, ``changed``: its status;
    with the same status as before ``attempt``: it was tried again, or ``reason``: only that is another)``,
    previous_status, status`` (of what was archived the last one)``, attempt, reason, transitions`` (how many there were
    in between)``, first_at, last_at``.

    Raises:
        NotFound: no workflow that `workflow` means was there at any time between the two.
        NoSuchMoment, WrongOrder, UsageError, JournalUnreadable, JournalDamaged, FormatTooNew: as `world_at`.
    """
    return again(lambda: _changes_between(data_dir, since, until, workflow, cwd))


def _changes_between(
    data_dir: str, since: "Position", until: "Position", workflow: "str | None", cwd: str
) -> "list[Row]":
    """Raises FileNotFoundError, too, where what is read is being removed."""
    world, records, end = worlds_between(data_dir, since, until)
    before = _shapes(world)
    steps: dict[Key, _Steps] = {}
    for record in records:
        if end is not None and record["seq"] > end:
            break
        fold(world, record, data_dir)
        _note(steps, world, record)
    check_reached(data_dir, world, until, end)
    meant = meant_then(data_dir, workflow, cwd, world)
    after, gone = _shapes(world), _gone(world)
    found = []
    for key, step in steps.items():
        is_task, name = key
        owner = name.partition(".")[0] if is_task else name
        if meant is not None and owner not in meant:
            continue
        then, now, last = before.get(key), after.get(key), gone.get(key)
        shape = now or last
        if shape is None or (then == now and then is not None):
            continue
        found.append(
            {
                "kind": "task" if is_task else "workflow",
                "id": name,
                "workflow": owner,
                "change": _change(then, now),
                "previous_status": None if then is None else then[0],
                "status": shape[0],
                "attempt": shape[1],
                "reason": shape[2] or None,
                "transitions": step.count,
                "first_at": step.first,
                "last_at": step.last,
            }
        )
    return found


def _change(then: "Shape | None", now: "Shape | None") -> str:
    """What is another: what a row shows beside it does not always tell."""
    if now is None:
        return "archived"
    if then is None:
        return "appeared"
    if then[0] != now[0]:
        return "changed"
    return "attempt" if then[1] != now[1] else "reason"


class _Steps:
    """What happened to one task or workflow: how often it changed; `first` and `last` are times."""

    __slots__ = ("count", "first", "last")

    def __init__(self, time: str) -> None:
        self.count, self.first, self.last = 0, time, time


def _note(steps: "dict[Key, _Steps]", world: "PastWorld", record: "Record") -> None:
    time, touched = record["time"], [(True, name) for name, *_ in record["transitions"] if name is not None]
    touched = [(False, name) for name in world.moved] + touched
    for key in touched:
        if key not in steps:
            steps[key] = _Steps(time)
        steps[key].count += 1
        steps[key].last = time
    if record["event"] == "WorkflowArchived":
        workflow = world.gone[record["data"]["workflow"]]
        for key in ((False, workflow.id), *((True, name) for name in workflow.tasks)):
            steps.setdefault(key, _Steps(time)).last = time


def _shapes(world: "PastWorld") -> "dict[Key, Shape]":
    found: dict[Key, Shape] = {(False, it.id): (it.status, None, it.reason) for it in world.workflows.values()}
    found.update({(True, name): task[:3] for name, task in world.tasks.items()})
    return found


def _gone(world: "PastWorld") -> "dict[Key, Shape]":
    found: dict[Key, Shape] = {(False, it.id): (it.status, None, it.reason) for it in world.gone.values()}
    found.update({(True, name): task[:3] for name, task in world.gone_tasks.items()})
    return found
