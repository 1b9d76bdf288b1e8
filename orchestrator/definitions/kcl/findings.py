"""All there is to say about one definition. Whoever finds something adds it; the report is made of it in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.definitions import diagnostics
from orchestrator.definitions.diagnostics import Text

if TYPE_CHECKING:
    from orchestrator.definitions.diagnostics import Diagnostic
    from orchestrator.definitions.kcl.wanted import Wanted


class Findings:
    """What has been found so far.

    Attributes:
        workflows: what ``orch validate`` lists.
        sources: texts to be pinned, {path relative to the definition's folder, text} each.
        files: {path with ~: diagnostic to be told if there is no such file}; the child cannot look.
        resolved: where values come from.
        plan: of the workflow that is to be run, with what goes with it; empty without one.
    """

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.workflows: list[dict[str, Any]] = []
        self.sources: list[dict[str, str]] = []
        self.files: dict[str, Diagnostic] = {}
        self.resolved: list[dict[str, Any]] = []
        self.plan: dict[str, Any] = {}

    def errors(self) -> list[Diagnostic]:
        """What keeps the definition from being run."""
        return [one for one in self.diagnostics if one["severity"] == "error"]

    def report(self, wanted: Wanted) -> dict[str, Any]:
        """As plain values: the keys of ``orch validate``, `diagnostics` and `files`."""
        told = diagnostics.not_too_many(diagnostics.in_order(self.diagnostics), Text(wanted.path, ""))
        return {
            "file": wanted.path,
            "workflows": self.workflows,
            "diagnostics": told,
            "files": self.files,
            "definition": wanted.path,
            "sources": self.sources,
            **self.plan,
            **({"resolved": self.resolved} if wanted.resolved or wanted.dry_run else {}),
        }
