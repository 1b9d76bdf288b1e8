"""A snapshot of the journal as a reader needs it: statuses, attempts, reasons and times; the rest is the engine's.

The form is that of `orchestrator.engine.image`, as `orchestrator.store.snapshot` writes it. Tasks have no names in it:
they stand in the order of the plan, which is pinned beside the workflow, or lies in the archive with it.
"""

from orchestrator.files import document
from orchestrator.files.layout import FORMAT_MAJOR, JOURNAL, snapshot_name
from orchestrator.files.past.pinned import pinned_plan, task_places
from orchestrator.files.past.world import PastWorkflow, PastWorld
from orchestrator.model.ids import task_id
from orchestrator.model.times import rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: A million tasks need less.
_BYTES_MAX = 1 << 29

#: Places in `orchestrator.engine.image.TaskImage`, which is a list.
_STATUS, _REASON, _ATTEMPT, _STARTED, _FINISHED, _EXIT_CODE = 0, 1, 4, 10, 11, 12

#: Place of the tasks in `orchestrator.engine.image.OperationImage`.
_TASKS = 6


class Unusable(ValueError):
    """A snapshot that cannot be told from; the text says why. An older one may do as well."""


def read_snapshot(data_dir: str, number: int) -> PastWorld:
    """The world before segment `number`.

    Raises:
        Unusable: it is not there any more, damaged, of an unknown form, or a plan is missing that names its tasks.
    """
    import hashlib
    import json

    try:
        content = document.read(f"{data_dir}/{JOURNAL}/{snapshot_name(number)}", _BYTES_MAX)
    except (OSError, document.Malformed) as error:
        raise Unusable(f"it cannot be read: {error}") from error
    body, _, seal = content.removesuffix(b"\n").rpartition(b"\n")
    if seal != b'{"sum":"' + hashlib.sha256(body + b"\n").hexdigest().encode() + b'"}':
        raise Unusable("its checksum is not that of its content")
    head, *workflows = body.split(b"\n")
    try:
        world = _world(json.loads(head))
        for line in workflows:
            _add(world, json.loads(line), data_dir)
    except (KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise Unusable(f"it has an unknown form ({type(error).__name__}: {error})") from error
    except ValueError as error:
        raise error if isinstance(error, Unusable) else Unusable(str(error)) from error
    return world


def time_us(data_dir: str, number: int) -> "tuple[int, int]":
    """(seq, time in microseconds) of the last record that a snapshot stands for. Raises Unusable."""
    import json

    try:
        content = document.read(f"{data_dir}/{JOURNAL}/{snapshot_name(number)}", _BYTES_MAX)
        image = json.loads(content.split(b"\n", 1)[0])["world"]
        return int(image["seq"]), int(image["now"]["wall_us"])
    except (OSError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise Unusable(f"it cannot be read: {error}") from error


def _world(head: "dict[str, Any]") -> PastWorld:
    if head["format"].split(".", 1)[0] != str(FORMAT_MAJOR):
        raise Unusable(f"it has format {head['format']}")
    image = head["world"]
    world = PastWorld()
    world.seq, world.epoch, world.time = image["seq"], image["epoch"], rfc3339(image["now"]["wall_us"])
    world.max_running, world.provider_limits = image["max_running"], dict(image["provider_limits"])
    world.draining = image["draining"]
    world.live = dict.fromkeys(image["live"])
    return world


def _add(world: PastWorld, image: "dict[str, Any]", data_dir: str) -> None:
    workflow = PastWorkflow(image["id"], _time(image["created"]))
    workflow.status, workflow.reason = image["status"], image["reason"]
    workflow.started_at, workflow.finished_at = _time(image["started"]), _time(image["finished"])
    workflow.priority, workflow.plan_digest = image["priority"], image["plan_digest"]
    workflow.definition = image["definition"]
    plan = pinned_plan(data_dir, workflow.id)
    if plan is None:
        raise Unusable(f"the plan of {workflow.id}, which names its tasks, is not there any more")
    tasks = world.tasks
    for (operation, places), state in zip(task_places(plan), image["operations"], strict=True):
        for (provider, item), task in zip(places, state[_TASKS], strict=True):
            name = task_id(workflow.id, operation, provider, item)
            workflow.tasks.append(name)
            tasks[name] = (
                task[_STATUS],
                task[_ATTEMPT],
                task[_REASON],
                _wall_us(task[_STARTED]),
                _wall_us(task[_FINISHED]),
                task[_EXIT_CODE],
            )
    world.workflows[workflow.id] = workflow


def _wall_us(moment: "dict[str, int] | None") -> "int | None":
    """A time that is shown only if somebody wants to see the task: making a text of it takes longer than to read it."""
    return None if moment is None else moment["wall_us"]


def _time(moment: "dict[str, int] | None") -> "str | None":
    return None if moment is None else rfc3339(moment["wall_us"])
