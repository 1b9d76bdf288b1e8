"""What ``--strict`` finds in texts: a file of the corpus for each finding, and none in what is in order."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from orchestrator.definitions import clear_text
from orchestrator.definitions.kcl import package_dir
from orchestrator.definitions.kcl.fields import attributes
from orchestrator.files.asking import validator

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "corpora" / "kcl" / "strict"

#: {file: [(code, line, column)] of everything that is said of it}.
FOUND: dict[str, list[tuple[str, int, int]]] = {
    "case.k": [("WF110", 6, 69), ("WF103", 7, 15)],
    "clean.k": [],
    "fields.k": [("WF310", 4, 85), ("WF310", 10, 9)],
    "imports.k": [("WF303", 3, 8), ("WF303", 4, 8)],
    "irreversible.k": [("WF301", 6, 9), ("WF301", 7, 9)],
    "names.k": [("WF308", 11, 12)],
    "read_by_templates.k": [("WF304", 4, 1), ("WF304", 5, 1)],
    "secrets.k": [
        ("WF307", 3, 9),
        ("WF307", 4, 46),
        ("WF307", 16, 31),
        ("WF307", 18, 25),
        ("WF307", 21, 23),
        ("WF307", 31, 23),
        ("WF307", 39, 23),
    ],
    "services.k": [("WF309", 14, 25), ("WF309", 15, 26), ("WF309", 18, 25), ("WF309", 21, 19)],
    "timeouts.k": [("WF306", 9, 9), ("WF306", 11, 9), ("WF306", 13, 9), ("WF306", 21, 9)],
    "unreachable.k": [("WF104", 6, 67), ("WF305", 7, 119)],
    "variables.k": [("WF304", line, 1) for line in (3, 4, 6, 7, 8, 9)],
}

#: {example: how often which code}. They are for reading first: they leave out what has a default.
EXAMPLES: dict[str, dict[str, int]] = {
    "environments.k": {"WF301": 1, "WF306": 2},
    "pipeline.k": {"WF301": 3, "WF306": 3},
    "rollback.k": {"WF306": 2},
    "wuji.k": {"WF306": 4},
}

SAMPLE = """import workflows

deploy = workflows.WorkflowDef {{
    name = "t"
    operations = [{{id = "a", type = "check", target = "server", items = ["x"], command = "true", timeout = 9{0}}}]
    {1}
}}
"""


def told(path: Path, **options: Any) -> list[dict[str, Any]]:
    """What is said of a file, in its order, errors first."""
    report = validator.evaluate(str(path), strict=True, **options)
    found: list[dict[str, Any]] = [*report["errors"], *report["warnings"]]
    assert report["valid"] == (not found)
    return found


def test_no_file_of_the_corpus_is_forgotten() -> None:
    """The table names exactly the files there are."""
    assert sorted(FOUND) == sorted(path.name for path in CORPUS.iterdir())


@pytest.mark.parametrize("name", FOUND)
def test_each_finding_is_told_at_the_users_own_line(name: str) -> None:
    """With a remedy."""
    found = told(CORPUS / name)
    assert [(one["code"], one["line"], one["column"]) for one in found] == FOUND[name]
    assert all(one["help"] and one["file"] == str(CORPUS / name) for one in found)


def test_without_strict_nothing_of_it_is_told() -> None:
    """Valid is valid; what is always told is told."""
    for name, expected in FOUND.items():
        report = validator.evaluate(str(CORPUS / name))
        always = {code for code, _, _ in expected if code in ("WF103", "WF104", "WF110", "WF310")}
        assert {one["code"] for one in report["errors"] + report["warnings"]} == always


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "data" / "examples").glob("*.k")))
def test_no_false_alarm_on_an_example(name: str) -> None:
    """What is said of an example is known, and right."""
    found = [one["code"] for one in told(ROOT / "data" / "examples" / name)]
    assert {code: found.count(code) for code in found} == EXAMPLES.get(name, {})


@pytest.mark.parametrize("schema", ["retry_policy", "rollback_strategy", "logging", "monitoring", "secrets"])
def test_an_attribute_that_a_block_does_not_have_is_told_at_its_line(schema: str, tmp_path: Path) -> None:
    """KCL finds those of literal blocks itself."""
    path = tmp_path / "w.k"
    path.write_text(SAMPLE.format("", f"{schema} = {{\n        bogus = 1\n    }}"), encoding="utf-8")
    assert [(one["code"], one["line"]) for one in told(path) if "bogus" in one["message"]] == [("KCL-E2L23", 7)]


def test_what_attributes_schemas_have_is_read_from_the_package() -> None:
    """Nothing that only checks use, nothing of docstrings."""
    known = attributes(package_dir())
    assert known["HealthCheck"] == ["command", "timeout", "retries"]
    assert {"name", "operations", "priority"} <= set(known["WorkflowDef"])
    assert not any(name.startswith("_") or name == "check" for names in known.values() for name in names)


def test_a_secret_in_an_imported_package_is_told_in_its_file(tmp_path: Path) -> None:
    """With the place there."""
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "values.k").write_text('command = "true"\n\ntoken = "0123"\n', encoding="utf-8")
    text = SAMPLE.format(", env = {A = own.token}", "").replace("\n\n", "\nimport own\n\n", 1)
    (tmp_path / "w.k").write_text(text, encoding="utf-8")
    found = told(tmp_path / "w.k")
    assert [(one["code"], one["file"], one["line"]) for one in found] == [
        ("WF307", str(tmp_path / "own" / "values.k"), 3)
    ]


def test_a_secret_is_not_repeated_by_what_tells_it() -> None:
    """A report is kept and sent about."""
    for one in told(CORPUS / "secrets.k"):
        assert not any(
            secret in f"{one['message']}{one['help']}{one['snippet']}" for secret in ("hunter2", "AKIA", "abc123")
        )


def test_an_option_that_is_given_is_no_secret_of_the_file(tmp_path: Path) -> None:
    """Only what stands in the text is in clear text there."""
    text = SAMPLE.format(', env = {API_KEY = option("api_key")}', "")
    (tmp_path / "w.k").write_text(text, encoding="utf-8")
    assert told(tmp_path / "w.k", options={"api_key": "abc123"}) == []


def test_strict_is_not_confused_by_a_copy_of_the_sample_beside_its_package(tmp_path: Path) -> None:
    """A file that is evaluated as if it lay elsewhere keeps its lines."""
    shutil.copy(CORPUS / "variables.k", tmp_path / "workflows.k")
    assert [one["line"] for one in told(tmp_path / "workflows.k")] == [3, 4, 6, 7, 8, 9]


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        *(
            (name, True)
            for name in ("PASSWORD", "dbPassword", "API_KEY", "apikey", "AWS_SECRET_ACCESS_KEY", "auth.token")
        ),
        *((name, True) for name in ("DB_PASS", "client-secret", "PRIVATE_KEY", "passphrase", "_token", "credentials")),
        *(
            (name, False)
            for name in ("PWD", "TOKEN_FILE", "token_url", "age_key_file", "PUBLIC_KEY", "AWS_ACCESS_KEY_ID")
        ),
        *((name, False) for name in ("bypass", "tokenizer", "secrets_files", "password_policy", "key", "monkey", "")),
    ],
)
def test_names_of_secrets(name: str, is_secret: bool) -> None:
    """Whole words, and not those of names that only tell about one."""
    assert clear_text.is_secret_name(name) == is_secret


@pytest.mark.parametrize(
    ("command", "secrets"),
    [
        ("mysql --password=hunter2 x", ["hunter2"]),
        ("X=1 DB_PASSWORD='hunter 2' run", ["hunter 2"]),
        ("login --token abc --user me", ["abc"]),
        ("curl -u admin:s3cret https://x", ["s3cret"]),
        ("curl -H 'Authorization: Bearer abc.def' x", ["abc.def"]),
        ("git clone https://me:pw123@h/x", ["pw123"]),
        ("helm --set auth.password=abc", ["abc"]),
        ('login --token "$TOKEN"', []),
        ("PASSWORD=$(cat /run/secret) run", []),
        ("PASSWORD= run", []),
        ("run --password-file /x --token-ttl 5 --password-stdin", []),
        ('curl -u "$U:$P" -H "Authorization: Bearer $T" https://$U:$P@h', []),
        ('[ "$password" = "x" ] || echo "set TOKEN=..."', []),
        ("docker build --secret id=a,src=b .", []),
        ("export TOKEN_FILE=/x; TOKEN=`cat x` run --token {{ values.token }}", []),
    ],
)
def test_secrets_in_commands(command: str, secrets: list[str]) -> None:
    """What a command is given in clear text, and what only looks like it."""
    assert [secret for _, secret in clear_text.in_shell_text(command)] == secrets


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("AKIA" + "IOSFODNN7EXAMPLE", True),
        ("ghp_" + "a1" * 18, True),
        ("x glpat-" + "a" * 20, True),
        ("-----BEGIN " + "PRIVATE KEY-----", True),
        ("-----BEGIN OPENSSH " + "PRIVATE KEY-----", True),
        ("eyJhbGciOiJI" + ".eyJzdWIiOiIx" + ".SflKxwRJSMeK", True),
        ("AKIA", False),
        ("-----BEGIN PUBLIC KEY-----", False),
        ("d41d8cd98f00b204e9800998ecf8427e", False),
        ("sha256:" + "0f" * 32, False),
    ],
)
def test_shapes_of_tokens(text: str, is_one: bool) -> None:
    """Known ones; how random a text looks does not matter."""
    assert (clear_text.known_shape(text) is not None) == is_one
