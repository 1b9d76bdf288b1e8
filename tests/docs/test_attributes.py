"""docs/attributes.md lists every attribute of the schemas, and each is proved by a test."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path
from typing import Any

import pytest

from orchestrator.files.asking import validator
from orchestrator.plan import ir
from tests.docs.attributes import LATER, PROOFS
from tests.support.live import LiveDaemon

ROOT = Path(__file__).parents[2]

#: What generates the page; tools/ is no package.
PAGE = runpy.run_path(str(ROOT / "tools" / "attributes.py"))

#: {attribute: how a workflow with one says it}; each in one line.
_SET = {
    "WorkflowDef.secrets": 'secrets = {provider = "env"}',
    "RollbackStrategy.checkpoint_interval": "rollback_strategy = {checkpoint_interval = 2}",
    "LoggingConfig.level": 'logging = {level = "debug"}',
    "LoggingConfig.destinations": 'logging = {destinations = ["file"]}',
    "LoggingConfig.format": 'logging = {format = "text"}',
    "LoggingConfig.path": 'logging = {path = "./elsewhere"}',
    "MonitoringConfig.enabled": "monitoring = {enabled = False}",
    "MonitoringConfig.metrics_endpoint": 'monitoring = {metrics_endpoint = "/numbers"}',
    "MonitoringConfig.checkpoint_frequency": "monitoring = {checkpoint_frequency = 20}",
    "MonitoringConfig.telemetry": "monitoring = {telemetry = {}}",
    "TelemetryConfig.enabled": "monitoring = {telemetry = {enabled = True}}",
    "TelemetryConfig.exporter": 'monitoring = {telemetry = {exporter = "file"}}',
    "TelemetryConfig.endpoint": 'monitoring = {telemetry = {endpoint = "http://localhost"}}',
    "SecretProvider.provider": 'secrets = {provider = "file"}',
    "SecretProvider.sops_config": 'secrets = {provider = "sops", sops_config = {}}',
    "SecretProvider.kms_config": 'secrets = {provider = "kms", kms_config = {key_id = "k"}}',
    "SopsConfig.age_key_file": 'secrets = {provider = "sops", sops_config = {age_key_file = "/none"}}',
    "SopsConfig.secrets_files": 'secrets = {provider = "sops", sops_config = {secrets_files = ["a.yaml"]}}',
    "KmsConfig.provider": 'secrets = {provider = "kms", kms_config = {key_id = "k", provider = "gcp"}}',
    "KmsConfig.key_id": 'secrets = {provider = "kms", kms_config = {key_id = "other"}}',
    "KmsConfig.region": 'secrets = {provider = "kms", kms_config = {key_id = "k", region = "r"}}',
    "KmsConfig.endpoint": 'secrets = {provider = "kms", kms_config = {key_id = "k", endpoint = "http://localhost"}}',
}


def operation(**changes: str) -> str:
    """The text of an operation; `changes` are KCL."""
    said = {"id": '"a"', "type": '"create"', "target": '"server"', "items": '["x"]', "command": '"true"'} | changes
    return f"{{{', '.join(f'{key} = {value}' for key, value in said.items())}}}"


def write(folder: Path, *lines: str, operations: tuple[str, ...] = (operation(),), name: str | None = '"t"') -> Path:
    """A definition with `lines` of its own; the first of them is line 4."""
    said = ["" if name is None else f"name = {name}", *lines, f"operations = [{', '.join(operations)}]"]
    body = "\n".join(f"    {line}" for line in said)
    (folder / "w.k").write_text(f"import workflows\nwf = workflows.WorkflowDef {{\n{body}\n}}\n", encoding="utf-8")
    return folder / "w.k"


def plan(path: Path) -> ir.Plan:
    """The plan of a definition without errors."""
    report = validator.evaluate(str(path), want_plan=True)
    assert report["valid"], report["errors"]
    return ir.decode(report["plan"].encode())


def test_every_attribute_has_an_entry_and_nothing_else_has() -> None:
    """What is added to a schema is added to the table."""
    assert sorted(PROOFS) == sorted(one.id for one in PAGE["attributes"]())


@pytest.mark.parametrize("attribute", PROOFS)
def test_every_attribute_is_proved_by_a_test_that_exists(attribute: str) -> None:
    """As long as nothing acts upon it, that is the test of the warning; from then on it is another."""
    path, _, name = PROOFS[attribute].partition("::")
    assert path, f"{attribute} has no test; name one in tests/docs/attributes.py"
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    assert (PROOFS[attribute] == LATER) == (attribute in PAGE["later"]())


def test_the_page_is_current() -> None:
    """Otherwise: python tools/generate_docs.py."""
    page = (ROOT / "docs" / "attributes.md").read_text(encoding="utf-8")
    assert page == PAGE["document"](page.split("\n")[1])
    assert all(f"| `{one.name}` |" in page for one in PAGE["attributes"]())


@pytest.mark.parametrize("attribute", sorted(PAGE["later"]()))
def test_what_comes_later_is_told_at_its_line(attribute: str, tmp_path: Path) -> None:
    """Accepted, kept, and said to do nothing yet (R1-34 to R1-44)."""
    report = validator.evaluate(str(write(tmp_path, "priority = 1", _SET[attribute])))
    assert report["errors"] == []
    told = [one for one in report["warnings"] if one["code"] == "WF201"]
    assert [(one["line"], bool(one["help"])) for one in told] == [(5, True)]
    assert told[0]["snippet"] == _SET[attribute]


@pytest.mark.parametrize(("name", "code", "line"), [('""', "WF101", 3), ('"  "', "WF101", 3), (None, "WF101", 2)])
def test_a_workflow_needs_a_name(name: str | None, code: str, line: int, tmp_path: Path) -> None:
    """R1-07: empty or absent, at its place."""
    report = validator.evaluate(str(write(tmp_path, name=name)))
    assert [(one["code"], one["line"]) for one in report["errors"]] == [(code, line)]


def test_an_unknown_target_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    """R1-15."""
    report = validator.evaluate(str(write(tmp_path, operations=(operation(target='"disk"'),))))
    assert all(word in report["errors"][0]["message"] for word in ("disk", "server", "taskserv", "cluster"))


def test_policies_of_the_workflow_reach_the_plan(tmp_path: Path) -> None:
    """R1-12: an operation's own retry policy goes before the workflow's; an omitted one is the default."""
    lines = ("priority = 7", "retry_policy = {max_attempts = 9}", "rollback_strategy = {preserve_successful = True}")
    own = operation(id='"b"', retry_policy='{backoff = "linear"}')
    made = plan(write(tmp_path, *lines, operations=(operation(), own)))
    assert made.priority == 7
    assert made.rollback == ir.RollbackStrategy(preserve_successful=True)
    assert [one.retry for one in made.operations] == [ir.RetryPolicy(9), ir.RetryPolicy(backoff="linear")]
    made = plan(write(tmp_path))
    assert (made.priority, made.rollback, made.operations[0].retry) == (0, ir.RollbackStrategy(), ir.RetryPolicy())


def test_an_operation_is_done_for_each_item_on_each_provider(tmp_path: Path) -> None:
    """R1-16, R1-17: items times providers."""
    path = write(tmp_path, operations=(operation(items='["x", "y"]', providers='["p", "q", "r"]'),))
    made = plan(path).operations[0]
    assert (made.items, made.providers) == (("x", "y"), ("p", "q", "r"))
    assert validator.evaluate(str(path))["workflows"][0]["tasks"] == 6


def test_commands_run_as_the_definition_says(tmp_path: Path) -> None:
    """In their folder, with their environment; the rollback_command when a later operation fails."""
    (tmp_path / "sub").mkdir()
    first = operation(
        command='"echo $COLOUR $ORCH_ITEM >made"',
        rollback_command='"mv made unmade-$COLOUR"',
        env='{COLOUR = "blue"}',
        working_dir='"sub"',
    )
    last = operation(id='"last"', depends_on='["a"]', command='"cat sub/made; exit 3"')
    path = write(tmp_path, "retry_policy = {max_attempts = 1}", operations=(first, last))
    with LiveDaemon(tmp_path / "data") as daemon:
        state: dict[str, Any] = daemon.wait_until_over(daemon.submit(path))
        assert state["status"] == "rolled_back", state
        assert (tmp_path / "sub" / "unmade-blue").read_text(encoding="utf-8") == "blue x\n"
        logs = Path(daemon.data_dir) / "workflows" / state["id"] / "logs"
        assert (logs / "last.local.x.1.out").read_text(encoding="utf-8") == "blue x\n"
