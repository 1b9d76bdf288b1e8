"""Task services from the text of a definition to a run on the built-in provider (R1-03, R1-52)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.files.asking import validator
from orchestrator.plan import ir
from tests.support.live import LiveDaemon, records

ROOT = Path(__file__).parents[2]

SERVERS = '{id = "servers", type = "create", target = "server", items = ["cp-0"]}'


def write(folder: Path, services: str, *more: str) -> str:
    """A definition that creates a server and then installs; its path."""
    lines = [
        "import workflows",
        "",
        "wf = workflows.WorkflowDef {",
        '    name = "services"',
        f"    operations = [\n        {SERVERS}\n        {services}\n    ]",
        *(f"    {line}" for line in more),
        "}",
    ]
    path = folder / "services.k"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def install(*items: str, more: str = "") -> str:
    """An operation that installs, after the servers."""
    listed = ", ".join(f'"{item}"' for item in items)
    return f'{{id = "apps", type = "create", target = "taskserv", items = [{listed}], depends_on = ["servers"]{more}}}'


def errors(path: str) -> list[dict[str, Any]]:
    """What is wrong with a definition."""
    report = validator.evaluate(path)
    assert not report["valid"]
    return list(report["errors"])


def test_the_sample_is_as_it_was() -> None:
    """Its services are all there and in order: four operations, ten tasks, nothing inserted."""
    report = validator.evaluate(str(ROOT / "data" / "examples" / "wuji.k"), want_plan=True)
    assert report["valid"]
    plan = ir.decode(report["plan"].encode())
    assert (len(plan.operations), plan.edges) == (4, ())


def test_a_missing_requirement_stands_at_the_item(tmp_path: Path) -> None:
    """With the chain, in the user's own text."""
    told = errors(write(tmp_path, install("os", "cilium")))
    assert [one["code"] for one in told] == ["WF141"] * 2
    chains = {one["message"].rpartition(": ")[2] for one in told}
    assert chains == {"cilium -> kubernetes -> resolv", "cilium -> kubernetes -> containerd"}
    lines = Path(told[0]["file"]).read_text().splitlines()
    assert {lines[one["line"] - 1][one["column"] - 1 : one["end_column"] - 1] for one in told} == {'"cilium"'}


def test_an_order_against_a_requirement_stands_at_the_item(tmp_path: Path) -> None:
    """And names the other."""
    path = write(tmp_path, install("os", "resolv", "kubernetes", "containerd", more=", parallel = False"))
    (told,) = errors(path)
    assert (told["code"], told["line"]) == ("WF144", 7)
    assert "kubernetes -> containerd -> kubernetes" in told["message"]
    assert told["related"][0]["message"] == "'containerd'"


def test_a_file_beside_the_definition_declares_a_service(tmp_path: Path) -> None:
    """It goes before the installation's; the definition's own block goes before it."""
    (tmp_path / "taskservs").mkdir()
    (tmp_path / "taskservs" / "kubernetes.yaml").write_text("requires: [etcd]\n")
    path = write(tmp_path, install("kubernetes"))
    assert "kubernetes -> etcd" in errors(path)[0]["message"]
    own = "taskservs = {kubernetes = {requires = []}}"
    assert validator.evaluate(write(tmp_path, install("kubernetes"), own))["valid"]


def test_a_wrong_file_beside_the_definition_is_told_with_its_place(tmp_path: Path) -> None:
    """In the file itself, beside whatever else is wrong."""
    (tmp_path / "taskservs").mkdir()
    (tmp_path / "taskservs" / "web.yaml").write_text("requires: []\nminimum_resources:\n  memory: 4GB\n")
    told = errors(write(tmp_path, install("web", "docker"), 'taskservs = {docker = {conflicts_with = ["web"]}}'))
    assert [(one["code"], Path(one["file"]).name, one["line"]) for one in told] == [
        ("WF142", "services.k", 7),
        ("WF140", "web.yaml", 3),
    ]
    assert told[1]["message"] == (
        "minimum_resources.memory: '4GB' is not a whole number of MiB; write 3815, which is the next larger one"
    )
    assert told[1]["snippet"] == "memory: 4GB"


@pytest.mark.parametrize(
    ("size", "code", "said"),
    [
        ('"4GiB"', "KCL-E2G22", "expected int"),
        ("4Gi", "KCL-E2G22", "expected int"),
        ("4294967296", "WF146", "memory 4294967296 is more than any server has"),
        ("0", "WF140", "0 is too small; at least 1 MiB"),
    ],
)
def test_a_size_that_is_no_number_of_mib_is_refused(tmp_path: Path, size: str, code: str, said: str) -> None:
    """R1-53: texts and numbers with a unit by the schema, what was meant in bytes by the check."""
    own = f"taskservs = {{web = {{minimum_resources = {{memory = {size}}}}}}}"
    told = errors(write(tmp_path, install("web"), own))
    assert {(one["code"], one["line"]) for one in told} == {(code, 9)}
    assert said in told[0]["message"]


def test_a_machine_that_is_too_small_is_told_before_anything_runs(tmp_path: Path) -> None:
    """The built-in provider's servers are this machine."""
    own = "taskservs = {web = {minimum_resources = {cpu = 60000}}}"
    (told,) = errors(write(tmp_path, install("web"), own))
    assert told["code"] == "WF143"
    assert told["message"].startswith("this machine is too small for 'web': cpu ")
    assert told["message"].endswith(", and it needs 60000")


def test_what_is_required_is_pulled_and_runs_first(tmp_path: Path) -> None:
    """R1-03: kubernetes alone brings the three services it needs, on a real daemon."""
    path = write(tmp_path, install("kubernetes"), "pull_requirements = True")
    with LiveDaemon(tmp_path / "data") as daemon:
        state = daemon.wait_until_over(daemon.submit(path))
        assert state["status"] == "succeeded", state
        began = [
            task.split(".")[-1]
            for record in records(daemon.data_dir)
            for task, _, status, _, _ in record["transitions"]
            if task and status == "running"
        ]
    assert began[0] == "cp-0"
    assert sorted(began[1:4]) == ["containerd", "os", "resolv"]
    assert began[4:] == ["kubernetes"]
    services = tmp_path / "data" / "providers" / "local" / "servers" / "cp-0" / "services"
    assert len(list(services.glob("*.json"))) == 4


def test_an_unhealthy_service_fails_and_is_rolled_back(tmp_path: Path) -> None:
    """After its tries; what was installed is gone, and what waited for it never began."""
    check = 'command = "test -e $ORCH_DATA_DIR/healthy", retries = 1, timeout = 10'
    own = f'taskservs = {{os = {{health_check = {{{check}}}}}, resolv = {{requires = ["os"]}}}}'
    path = write(tmp_path, install("os", "resolv"), own)
    servers = tmp_path / "data" / "providers" / "local" / "servers"
    with LiveDaemon(tmp_path / "data") as daemon:
        state = daemon.wait_until_over(daemon.submit(path))
        assert state["status"] == "rolled_back", state
        assert [one["id"] for one in state["operations"]] == ["servers", "apps", "apps-health"]
        items = {one["item"]: one["status"] for one in state["operations"][1]["items"]}
        assert items == {"os": "rolled_back", "resolv": "upstream_failed"}
        assert list(servers.iterdir()) == []
        (tmp_path / "data" / "healthy").touch()
        state = daemon.wait_until_over(daemon.submit(path))
        assert state["status"] == "succeeded", state
        assert (servers / "cp-0" / "services" / "resolv.json").exists()
