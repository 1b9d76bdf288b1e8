"""Task files in any number, as a daemon writes them."""

from __future__ import annotations

from orchestrator.engine.machine import step
from orchestrator.engine.world import World
from orchestrator.store import project
from tests.support.plans import at, operation, plan, started, submitted


def task_files(count: int) -> list[tuple[str, bytes]]:
    """[(path below the data directory, content)] of `count` tasks, some of which say that they failed."""
    world = World()
    step(world, started(), at(0))
    step(world, submitted(plan(operation("work", tuple(f"i{number}" for number in range(count)))), "w"), at(1))
    files = []
    for number, task in enumerate(world.tasks.values()):
        if number % 100 == 7:
            task.status = "failed"
        files.append(project.task_file(task))
    return files
