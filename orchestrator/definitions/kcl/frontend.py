"""One definition from its text to a report: everything wrong with it, and the plan if nothing is.

Runs in the evaluator's child process. The strict schemas are evaluated first. What they refuse while compiling is all
told at once by KCL. What fails while being evaluated (KCL tells one problem and no place) is evaluated again without
demands, and the shared checks find all of it in the values, at the user's own lines.

The steps are `source` (the text), the evaluation (here), `workflows` (the values) and `chosen` (the plan); each adds
what it finds to the same `findings`.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from orchestrator.definitions import diagnostics
from orchestrator.definitions.diagnostics import Text
from orchestrator.definitions.kcl import chosen, evaluate, guard, messages
from orchestrator.definitions.kcl.findings import Findings
from orchestrator.definitions.kcl.folders import where
from orchestrator.definitions.kcl.source import Source
from orchestrator.definitions.kcl.workflows import Workflows
from orchestrator.definitions.shape import environments
from orchestrator.plan.fault import did_you_mean

if TYPE_CHECKING:
    from orchestrator.definitions.diagnostics import Diagnostic
    from orchestrator.definitions.kcl.wanted import Wanted

#: Syntax trees are as deep as their expressions; the sandbox gives the stack for this.
_RECURSION_MAX = 20_000


def report(wanted: Wanted) -> dict[str, Any]:
    """What there is to say about a definition, as plain values: the keys of ``orch validate``, and `files`."""
    found = Findings()
    sys.setrecursionlimit(_RECURSION_MAX)
    try:
        _look(wanted, found)
    except RecursionError:
        told = diagnostics.make("WF003", "an expression is nested too deeply", Text(wanted.path, ""), help="Split it.")
        found.diagnostics.append(told)
    return found.report(wanted)


def _look(wanted: Wanted, found: Findings) -> None:
    """Do everything; never raises for what the definition says."""
    refused = guard.refusal(wanted.source)
    if refused is not None:
        code, message, help_text = refused
        found.diagnostics.append(diagnostics.make(code, message, Text(wanted.path, ""), help=help_text))
        return
    source = Source(wanted.path, wanted.source)
    found.sources = source.pinned
    broken = source.broken_rules(wanted.package)
    found.diagnostics += [*broken, *source.doubled_keys()]
    if not broken:
        _Evaluation(wanted, source, found).run()


class _Evaluation:
    """A text that breaks no rule, from its evaluation on."""

    def __init__(self, wanted: Wanted, source: Source, found: Findings) -> None:
        self._wanted = wanted
        self._source = source
        self._found = found
        self._path, self._packages = where(wanted.path, wanted.package)
        self._workflows = Workflows(wanted, source, found)

    def run(self) -> None:
        """Evaluate it, and look at what it says."""
        text, found = self._source.source, self._found
        options = self._options()
        result = evaluate.evaluate(self._path, text, self._packages, options)
        if result.values is None and result.while_compiling:
            found.diagnostics += self._said(result.faults)
            return
        self._check_options()
        values = result.values
        if values is None:
            path, packages = where(self._wanted.path, self._wanted.lax)
            values = evaluate.evaluate(path, text, packages, options).values or {}
        before = len(found.errors())
        self._look_at(values, whole=result.values is not None)
        if result.values is None and len(found.errors()) == before:
            found.diagnostics += self._said(result.faults)

    def _look_at(self, values: dict[str, Any], *, whole: bool) -> None:
        workflows = self._workflows
        workflows.look(values, whole=whole)
        if workflows.raw and self._wanted.strict:
            self._found.diagnostics += self._source.lint(workflows.raw)
        if workflows.raw and self._wanted.want_plan and not self._found.errors():
            chosen.choose(workflows)

    def _options(self) -> dict[str, Any]:
        """Values for option() in the file, that of the environment among them if the file asks for it."""
        wanted = self._wanted
        if not wanted.environment:
            return wanted.options
        known = self._known_options()
        text = self._source.text
        self._found.diagnostics += environments.faults(wanted.environment, wanted.options, known, wanted.layer, text)
        return {**wanted.options, "env": wanted.environment} if "env" in known else wanted.options

    def _check_options(self) -> None:
        known = self._known_options() if self._wanted.options else []
        for name in self._wanted.options:
            if name not in known:
                message = f"the file does not ask for option '{name}'"
                help_text = did_you_mean(name, known)
                told = diagnostics.make("WF013", message, self._source.text, help=help_text, severity="warning")
                self._found.diagnostics.append(told)

    def _known_options(self) -> list[str]:
        return evaluate.options_of(self._path, self._source.source, self._packages)

    def _said(self, faults: str) -> list[Diagnostic]:
        told = messages.from_sarif(faults.replace(self._path, self._wanted.path), self._source.text)
        return [self._at_home(one) for one in told]

    def _at_home(self, told: Diagnostic) -> Diagnostic:
        """What KCL tells of a line of the schemas, at the line of this file that does not obey it.

        A value that is null is the usual reason, and KCL does not tell where it is written: the first is the place,
        else the workflow if there is only one.
        """
        if not told["file"].startswith((f"{self._wanted.package}/", f"{self._wanted.lax}/")):
            return told
        nulls = list(self._source.nulls()) if "None" in told["message"] else []
        workflows = [self._source.map.find((name,)) for name in self._workflows.shaped]
        place = nulls[0] if nulls else workflows[0] if len(workflows) == 1 else None
        related = tuple(("or this null", other) for other in nulls[1:6])
        help_text = f"It is the schema that asks for it: {os.path.basename(told['file'])}, line {told['line']}."
        if nulls:
            help_text = f"A null stands where a value has to. {help_text}"
        return diagnostics.make(
            told["code"], told["message"], self._source.text, place, help=help_text, related=related
        )
