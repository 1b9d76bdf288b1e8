"""What is asked about one definition. It travels from the service to a child, which may have been forked before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from orchestrator.plan.declarations import Resources

if TYPE_CHECKING:
    from orchestrator.definitions.shape.layers import LayerFile
    from orchestrator.plan.declarations import Provider, TaskService


class Wanted(msgspec.Struct, frozen=True):
    """One question.

    Attributes:
        path: absolute; `source` is what it holds.
        package, lax: folders of the schema package and of the one without demands.
        name: which workflow of several, by variable or by name.
        simulate: assumptions of a forecast (`orchestrator.forecast`), None for no forecast. Needs `want_plan`.
        dry_run: the forecast is that of a dry run, and values that were chosen from outside are told.
        services: task services that the installation knows.
        machine: how large it is.
    """

    path: str
    source: bytes
    package: str
    lax: str
    providers: dict[str, Provider]
    options: dict[str, Any]
    name: str | None
    strict: bool
    want_plan: bool
    simulate: dict[str, Any] | None = None
    environment: str = ""
    layer: LayerFile | None = None
    resolved: bool = False
    check: bool = False
    dry_run: bool = False
    services: dict[str, TaskService] = {}
    machine: Resources = Resources()
