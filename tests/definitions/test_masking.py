"""No report repeats a secret, whatever it is that is wrong with the line."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.definitions import diagnostics, masking
from orchestrator.definitions.diagnostics import Hidden, Text
from orchestrator.definitions.kcl.positions import Place
from orchestrator.files.asking import validator

if TYPE_CHECKING:
    from pathlib import Path


def operation(more: str, kind: str = "create") -> str:
    """A definition with one operation, in line 4."""
    one = f'{{id = "a", type = "{kind}", target = "server", items = ["x"], {more}}}'
    return f'import workflows\nw = workflows.WorkflowDef {{\nname = "w"\noperations = [{one}]\n}}\n'


def look(folder: Path, text: str, **wanted: Any) -> dict[str, Any]:
    """The report about a text."""
    (folder / "w.k").write_text(text, encoding="utf-8")
    return validator.evaluate(str(folder / "w.k"), **wanted)


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (
            'env = {DB_PASSWORD="hunter2", API_TOKEN = "abc", A="b"}',
            'env = {DB_PASSWORD="***", API_TOKEN = "***", A="b"}',
        ),
        ('command = "PASSWORD=\\"q\\\\\\"uux1\\" run", id = "a"', 'command = "PASSWORD=\\"***\\" run", id = "a"'),
        ('command = "PASS\\u0057ORD=hunter2 run"', 'command = "PASS\\u0057ORD=*** run"'),
        ('password = "hunt\\x65r2"', 'password = "***"'),
        ('password: str = "hunter2"', 'password: str = "***"'),
        ('password = """hunter2"""', 'password = """***"""'),
        ('password = "a" if x else "b" + "c"', 'password = "***" if x else "***" + "***"'),
        ('passwords = ["a", "b"]', 'passwords = ["***", "***"]'),
        ('k = option("api_key", type="str", default="abc1")', 'k = option("api_key", type="str", default="***")'),
        ("password: correct horse # staple", "password: *** # staple"),
        ("{password: hunter2, user: me}", "{password: ***, user: me}"),
        ('{"password": "hunter2"}', '{"password": "***"}'),
        ("password: 'it''s'", "password: '***'"),
        ("password: 12345", "password: ***"),
        ('"x --token abc9 --password=hunter2 y"', '"x --token *** --password=*** y"'),
        ("curl -u admin:s3cret https://me:pw9@h/x", "curl -u admin:*** https://me:***@h/x"),
        ("a: ghp_" + "a1" * 18 + " glpat-" + "a" * 20, "a: *** ***"),
        ('"-----BEGIN PRIVATE KEY-----\\nabc"', '"***'),
        ('password = "${x}"', 'password = "${x}"'),
        ('token = option("t")', 'token = option("t")'),
        ("secrets = workflows.SecretProvider {", "secrets = workflows.SecretProvider {"),
        ('TOKEN_FILE = "/x"', 'TOKEN_FILE = "/x"'),
    ],
)
def test_secrets_of_a_line(line: str, shown: str) -> None:
    """All of them, in any notation, and nothing else."""
    assert masking.masked(line) == shown


@pytest.mark.parametrize(
    "line",
    ["a" * 20_000, "a." * 10_000, "-a" * 10_000, "eyJ-" * 5_000, "curl " * 4_000, '"' * 20_000, "\\" * 20_000]
    + [text * 2_000 for text in ("password=[", "password='", "password: str ", 'option("', "://a:")],
    ids=lambda line: line[:12],
)
def test_a_hostile_line_takes_no_time(line: str) -> None:
    """Its length is bounded; its time is so, too."""
    began = time.process_time()
    masking.spans(line)
    assert time.process_time() - began < 1


def test_what_a_line_does_not_tell() -> None:
    """A key's lines, a value below its name, and what only the syntax tree knows."""
    text = Text(
        "k", "a\n-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----\nb\npassword: |\n  x1y\n z"
    )
    assert [text.snippet(line) for line in range(1, 9)] == ["a", "***", "***", "***", "b", "password: |", "***", "z"]
    told = Text("k", 'x = "hunter2"\ny', lambda: [Hidden(Place(1, 5, 1, 12), "hunter2")])
    found = diagnostics.make("WF1", "'hunter2' is wrong", told, Place(1, 0, 1, 1))
    assert (found["snippet"], found["message"]) == ('x = "***"', "'***' is wrong")


def test_a_long_line_is_cut_around_its_place() -> None:
    """The place stays what it was, and a secret that is cut in two is still hidden."""
    line = "  " + "".join(f"n{number:05}, " for number in range(30_000)) + "  "
    text = Text("w.k", f"first\n{line}\n")
    column = line.index("n20000")
    found = diagnostics.make("WF1", "x", text, Place(2, column, 2, column + 6))
    assert (found["column"], found["span"]) == (column + 1, {"start": 6 + column, "end": 12 + column})
    assert "n20000" in found["snippet"]
    assert found["snippet"].startswith("…")
    assert found["snippet"].endswith("…")
    assert len(found["snippet"]) == diagnostics.SNIPPET_LENGTH + 2
    assert not text.snippet(2, 2).startswith("…")
    assert text.snippet(2, len(line)).endswith("n29999,")
    secret = "z" * 300
    for at in range(0, 700, 50):
        shown = Text("w.k", f'{"x, " * 50}password = "{secret}"{", x" * 100}').snippet(1, at)
        assert "zz" not in shown


def test_of_too_many_the_first_are_told(tmp_path: Path) -> None:
    """Errors before warnings, and how many more there are."""
    (tmp_path / "w.prod.yaml").write_text(f"operations: {{a: {{{', '.join(f'u{n}: 1' for n in range(3000))}}}}}\n")
    report = look(tmp_path, operation('command = "true"'), environment="prod")
    assert len(report["errors"]) == diagnostics.TOLD_MAX
    assert [one["code"] for one in report["errors"][-2:]] == ["WF132", "WF093"]
    assert report["errors"][-1]["message"] == "there is more: 2501 errors and 0 warnings are not told"
    assert len(json.dumps(report)) < 1_000 * diagnostics.TOLD_MAX


def test_errors_are_told_before_warnings() -> None:
    """However many warnings there are, and the report stays in order."""
    text = Text("w.k", "x\n" * 1000)
    found = [
        diagnostics.make("WF1", "x", text, Place(line, 0, line, 1), severity="warning" if line < 600 else "error")
        for line in range(1, 701)
    ]
    told = diagnostics.not_too_many(found, text)
    assert len(told) == diagnostics.TOLD_MAX
    assert sum(one["severity"] == "error" for one in told) == 101
    assert [one["line"] for one in told[:-1]] == sorted(one["line"] for one in told[:-1])
    assert (told[-1]["severity"], told[-1]["code"]) == ("warning", "WF093")
    assert diagnostics.not_too_many(found[:500], text) == found[:500]


@pytest.mark.parametrize(
    "text",
    [
        operation('env = {DB_PASSWORD = "hunter2"}', kind="creat"),
        operation('env = {DB_PASSWORD = "hunter2"}').replace("name =", "nam ="),
        operation("env = {DB_PASSWORD = _p}").replace("import workflows", 'import workflows\n_p = "hunter2", 3'),
        operation('env = {DB_PASSWORD = "hunter2"') + '_x = {API_TOKEN = "hunter2" + 3',
        operation('timeout = 0, command = "PASSWORD=\\"hunter2\\" run"'),
        operation('password = "hunter2"'),
        operation("timeout = _password").replace("import workflows", 'import workflows\n_password = "hunter2"'),
    ],
)
def test_no_diagnostic_shows_a_secret(tmp_path: Path, text: str) -> None:
    """Whether the file is KCL or not."""
    report = look(tmp_path, text, strict=True)
    assert report["errors"]
    assert "hunter2" not in json.dumps(report["errors"] + report["warnings"])


def test_a_layer_keeps_its_secrets(tmp_path: Path) -> None:
    """In snippets and in messages."""
    (tmp_path / "w.prod.yaml").write_text(
        "operations: {a: {env: {DB_PASSWORD: 4711}, bad: 1}}\nsecrets: {token: hunter2}\n"
    )
    report = look(tmp_path, operation('command = "true"'), environment="prod", resolved=True)
    assert {one["code"] for one in report["errors"]} >= {"WF132", "WF133"}
    assert not {"4711", "hunter2"} & set(json.dumps(report["errors"]).replace("'", " ").split())
    assert "4711" not in json.dumps(report["errors"])
    assert "hunter2" not in json.dumps(report["errors"])


@pytest.mark.parametrize("way", ["resolved", "dry_run"])
def test_resolved_values_keep_theirs(tmp_path: Path, way: str) -> None:
    """By the name of a key or of an option, and within a command."""
    env = 'env = {DB_PASSWORD = _pw, X = option("api_token"), LEVEL = option("level"), AUTH_TOKEN = "$T"}'
    text = operation(f'{env}, command = "run --password=hunter2 ${{_l}}"')
    text = text.replace("import workflows", 'import workflows\n_pw = option("db_password")\n_l = option("level")')
    options = {"db_password": "hunter2", "api_token": "hunter2", "level": "debug"}
    report = look(tmp_path, text, options=options, **{way: True})
    rows = {row["path"].removeprefix("w.operations.0."): row["value"] for row in report["resolved"]}
    assert (rows["env.DB_PASSWORD"], rows["env.X"], rows["env.LEVEL"]) == ("***", "***", "debug")
    assert rows["command"] == "run --password=*** debug"
    assert rows.get("env.AUTH_TOKEN", "$T") == "$T"
    assert "hunter2" not in json.dumps(report["resolved"])
