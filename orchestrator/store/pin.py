"""Pinning: a workflow runs the plan and shows the definition it was submitted with, whatever happens to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.files import layout

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.store.disk import Disk


def pin(disk: Disk, data_dir: str, workflow: str, plan: bytes, sources: Mapping[str, bytes]) -> None:
    """Keep `plan` and `sources` ({relative path: content}) under ``workflows/<workflow>``, durably.

    To be done before the record that names the workflow. What a crash leaves behind without such a record is
    never looked at.

    Raises:
        ValueError: a source's path leads out of its folder.
        DiskFailed: something could not be written.
    """
    base = layout.workflow_dir(data_dir, workflow)
    for folder in (base, f"{base}/{layout.DEFINITION}", f"{base}/{layout.LOGS}"):
        disk.make_directory(folder)
    for relative, content in sources.items():
        parts = relative.split("/")
        if relative.startswith("/") or any(part in ("", ".", "..") for part in parts):
            raise ValueError(f"{relative!r} leads out of the definition's folder")
        folder = f"{base}/{layout.DEFINITION}"
        for part in parts[:-1]:
            folder = f"{folder}/{part}"
            disk.make_directory(folder)
        disk.replace(f"{folder}/{parts[-1]}", content, durable=True)
    disk.replace(f"{base}/{layout.PLAN_FILE}", plan, durable=True)
