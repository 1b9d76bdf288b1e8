"""A small language for conditions: ``operations["install-k8s"].status == "succeeded" and not maintenance``.

Dependencies wait for such conditions, and rules filter by them. The language is ours, and not Python's or a library's,
for two reasons. Whoever may write a condition must not be able to run code or to hang the daemon: there is nothing in
it but literals, names, access to plain data, comparisons and some functions, and each is bounded. And a replay of the
journal, on any machine and any version of Python, has to come to the same answer: there is no clock, no chance, no
locale and no table of Unicode in it.

`parse` once (`unknown_names` tells what a definition gets wrong before it runs), `evaluate` or `holds` often.
docs/expressions.md is the reference for those who write them.
"""

from __future__ import annotations

from orchestrator.expression.evaluate import evaluate, holds
from orchestrator.expression.faults import EvaluationFault, ExpressionFault
from orchestrator.expression.functions import FUNCTIONS, Function
from orchestrator.expression.parser import Expression, parse, unknown_names
from orchestrator.expression.values import Value

__all__ = [
    "FUNCTIONS",
    "EvaluationFault",
    "Expression",
    "ExpressionFault",
    "Function",
    "Value",
    "evaluate",
    "holds",
    "parse",
    "unknown_names",
]
