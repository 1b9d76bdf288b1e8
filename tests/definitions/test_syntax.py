"""A slip of the finger is one fault, told where it is, with what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.files.asking import validator

if TYPE_CHECKING:
    from pathlib import Path

OPERATION = '{id = "a", type = "create", target = "server", items = ["x"], command = "true"}'
WHOLE = f"""import workflows

wf = workflows.WorkflowDef {{
    name = "t"
    operations = [
        {OPERATION}
    ]
}}
"""


def changed(before: str, after: str) -> str:
    """The definition, with one thing wrong."""
    assert before in WHOLE
    return WHOLE.replace(before, after)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            changed('["x"], command', '["x"]\n         command'),
            [(7, "expected `}`, found a name", "Entries stand all on")],
        ),
        (changed("target =", "target = ="), [(6, "expected a value, found `=`", "")]),
        (changed('target = "server"', "target = "), [(6, "expected a value, found `,`", "")]),
        (changed('["x"]', '["x"'), [(6, "this bracket closes none that is open", "Is another one missing before it?")]),
        (changed('"a"', '"a'), [(6, "a text is not closed", "A quotation mark is missing.")]),
        (f"{WHOLE}}}\n", [(9, "this bracket closes none that is open", "Is another one missing before it?")]),
        (
            WHOLE.rstrip()[:-1],
            [(7, "expected `}`, found the end of the file", "A bracket that is opened before is not closed.")],
        ),
        (
            changed("    name", "\tname"),
            [(line, "inconsistent use of tabs", "Indent with blanks") for line in (5, 6, 7)],
        ),
        ("name: x\noperations:\n  - id: a\n", [(2, "expected `=`, found a name", ""), (3, "unexpected token '-'", "")]),
    ],
)
def test_a_slip(text: str, told: list[tuple[int, str, str]], tmp_path: Path) -> None:
    """What follows from it is not told: names and types are another matter, once the text can be read."""
    path = tmp_path / "w.k"
    path.write_text(text, encoding="utf-8")
    report = validator.evaluate(str(path))
    found = [(one["line"], one["message"], one["help"]) for one in report["errors"]]
    assert [line for line, _, _ in found] == [line for line, _, _ in told]
    for (_, message, help_text), (_, begin, help_begin) in zip(found, told, strict=True):
        assert message.startswith(begin)
        assert help_text.startswith(help_begin)
        assert bool(help_text) == bool(help_begin)
    assert {one["code"] for one in report["errors"]} == {"KCL-E1001"}


def test_two_slips_are_two_faults(tmp_path: Path) -> None:
    """On lines of their own."""
    path = tmp_path / "w.k"
    path.write_text(f"a = {{b = , c = 1}}\n{changed('target =', 'target = =')}", encoding="utf-8")
    assert [one["line"] for one in validator.evaluate(str(path))["errors"]] == [1, 7]
