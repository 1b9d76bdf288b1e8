"""Providers and task services of packages that somebody else has made (R1-84)."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.definitions.providers import documents, load_providers, plugins
from orchestrator.definitions.taskservs import load_taskservs
from orchestrator.files.asking import validator
from orchestrator.model.errors import UsageError
from orchestrator.plan import ir
from orchestrator.plan.declarations import ProviderFile, TaskService, declare, faults_of_provider, faults_of_service
from tests.support.live import LiveDaemon, records
from tests.support.packages import THIRD_PARTY, install

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "providers.md"

WORKFLOW = """import workflows

wf = workflows.WorkflowDef {
    name = "acme"
    operations = [
        {id = "servers", type = "create", target = "server", items = ["a", "b", "c"], providers = ["acme"]}
        {
            id = "agent"
            type = "create"
            target = "taskserv"
            items = ["acme-agent"]
            providers = ["acme"]
            depends_on = ["servers"]
        }
    ]
}
"""


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of this process's path, with nothing in it."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    return folder


@pytest.fixture
def own_evaluator(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An evaluator that was started with this process's path; it ends when its socket is gone."""
    with tempfile.TemporaryDirectory(prefix="orch-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("XDG_RUNTIME_DIR", folder)
        yield


def test_a_workflow_runs_on_a_provider_of_another_package(site: Path, own_evaluator: None, tmp_path: Path) -> None:  # noqa: ARG001 - order
    """Servers, what they share, a task service with its health check: nothing of it is in the core."""
    install(site)
    definition = tmp_path / "acme.k"
    definition.write_text(WORKFLOW)
    root = tmp_path / "cloud"
    env = {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part), "ACME_ROOT": str(root)}
    with LiveDaemon(tmp_path / "data", env=env) as daemon:
        state = daemon.wait_until_over(daemon.submit(definition))
        assert state["status"] == "succeeded", state
        assert [operation["id"] for operation in state["operations"]] == [
            "acme-private_network",
            "servers",
            "agent",
            "agent-health",
        ]
        assert sorted(path.name for path in root.iterdir()) == [
            "network-private_network",
            "server-a",
            "server-b",
            "server-c",
            "service-acme-agent",
        ]
        assert most_at_once(daemon.data_dir, "servers") == 2
    assert "acme_provider" not in sys.modules


def most_at_once(data_dir: str, operation: str) -> int:
    """How many tasks of an operation were running at the same time."""
    running: set[str] = set()
    most = 0
    for record in records(data_dir):
        for task, _, status, _, _ in record["transitions"]:
            if task and task.split(".")[1] == operation:
                (running.add if status == "running" else running.discard)(task)
                most = max(most, len(running))
    return most


def test_a_running_evaluator_sees_what_is_installed_and_uninstalled(
    site: Path,
    own_evaluator: None,  # noqa: ARG001
    tmp_path: Path,
) -> None:
    """Without a restart, and the moment it is there."""
    definition = tmp_path / "acme.k"
    definition.write_text(WORKFLOW)
    report = validator.evaluate(str(definition))
    assert {told["code"] for told in report["errors"]} == {"WF115"}
    folder = install(site)
    report = validator.evaluate(str(definition), want_plan=True)
    assert report["valid"], report["errors"]
    plan = ir.decode(report["plan"].encode())
    assert plan.providers["acme"] == ir.ProviderLimits(2, 50)
    assert plan.operations[0].inserted == "shared resource of acme"
    file = folder / "provider.yaml"
    file.write_text(file.read_text().replace("api_rate_limit: 50", "api_rate_limit: 7"))
    plan = ir.decode(validator.evaluate(str(definition), want_plan=True)["plan"].encode())
    assert plan.providers["acme"].api_rate_limit == 7
    for info in site.glob("*.dist-info"):
        (info / "entry_points.txt").unlink()
        (info / "METADATA").unlink()
        info.rmdir()
    assert not validator.evaluate(str(definition))["valid"]


def test_a_package_goes_before_what_is_built_in_and_after_the_installation(site: Path, tmp_path: Path) -> None:
    """By the provider's id, whatever the entry point is called."""
    folder = install(site)
    file = folder / "provider.yaml"
    file.write_text(file.read_text().replace("provider: acme", "provider: local"))
    assert load_providers(None)["local"].directory == str(folder)
    (tmp_path / "providers").mkdir()
    (tmp_path / "providers" / "mine.yaml").write_text("format: 1\nprovider: local\nactions: []\n")
    assert load_providers(str(tmp_path))["local"].directory == str(tmp_path / "providers")
    assert load_taskservs(None)["acme-agent"].minimum_resources is not None


def test_two_packages_with_the_same_provider_are_told(site: Path) -> None:
    """Both are named, with their versions."""
    install(site)
    install(site, "zeta-provider", "zeta")
    with pytest.raises(UsageError) as caught:
        load_providers(None)
    assert caught.value.message == "Packages acme-provider 1.2.0 and zeta-provider 1.2.0 both bring a provider 'acme'."
    assert caught.value.help == "Uninstall one of them."


def test_a_wrong_package_is_told(site: Path) -> None:
    """Its entry point leads nowhere, it has no provider file, or a wrong one."""
    folder = install(site)
    (folder / "provider.yaml").write_text("format: 1\nprovider: acme\nactions: []\nx: 1\n")
    said = r"Package acme-provider 1.2.0: Provider file .*, line 4, column 1: x: there is no such"
    with pytest.raises(UsageError, match=said):
        load_providers(None)
    (folder / "provider.yaml").unlink()
    with pytest.raises(UsageError, match=r"Package acme-provider 1.2.0: Provider file .* cannot be read"):
        load_providers(None)
    for path in [*folder.rglob("*")][::-1]:
        path.unlink() if path.is_file() else path.rmdir()
    folder.rmdir()
    (site / "touched").touch()
    with pytest.raises(UsageError, match="names 'acme_provider', and there is no such package"):
        load_providers(None)


@pytest.mark.parametrize(
    "content",
    [
        b"[orchestrator.providers]\nacme\n",
        b"[orchestrator.providers]\nacme = \xff\n",
        b"[orchestrator.providers]\nacme = %(x)s a b\n",
        b"[orchestrator.providers]\nacme = __main__.x\n",
    ],
)
def test_metadata_that_is_malformed_is_a_fault_of_its_package(site: Path, content: bytes) -> None:
    """Of a package that is for us; others are none of our business."""
    install(site)
    (info,) = site.glob("*.dist-info")
    (info / "entry_points.txt").write_bytes(content)
    with pytest.raises(UsageError, match=r"^Package acme-provider"):
        load_providers(None)
    (info / "entry_points.txt").write_bytes(content.replace(b"orchestrator.", b"somebody."))
    (site / "touched").touch()
    assert "local" in load_providers(None)


def test_a_folder_below_a_package_is_found_without_running_it(site: Path) -> None:
    """Also where the package is not beside its metadata, as in an editable installation."""
    elsewhere = site.parent / "source"
    inner = elsewhere / "outer" / "inner"
    inner.mkdir(parents=True)
    (elsewhere / "outer" / "__init__.py").write_text("raise RuntimeError\n")
    (inner / "provider.yaml").write_text("format: 1\nprovider: inner\nactions: []\n")
    install(site, package="outer.inner")
    sys.path.append(str(elsewhere))
    try:
        assert load_providers(None)["inner"].directory == str(inner)
    finally:
        sys.path.remove(str(elsewhere))
    assert "outer" not in sys.modules


def test_looking_again_reads_nothing_while_nothing_changes(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at folders that have settled does not go through what is installed."""
    install(site)
    for folder in sys.path:
        if os.path.isdir(folder) and folder.startswith(str(site.parent)):
            os.utime(folder, (1, 1))
    looks: list[int] = []

    def scan() -> list[plugins.Plugin]:
        looks.append(1)
        return []

    monkeypatch.setattr(plugins, "_SETTLED_NS", -1)
    first = plugins.installed()
    monkeypatch.setattr(plugins, "_scan", scan)
    assert plugins.installed() == first
    assert looks == []
    (site / "new").mkdir()
    plugins.installed()
    assert looks == [1]


def test_the_documentation_shows_the_package_as_it_is() -> None:
    """Every file of the example stands in docs/providers.md as it is."""
    text = DOCUMENTATION.read_text()
    for path in ("pyproject.toml", "acme_provider/provider.yaml", "acme_provider/acme.sh"):
        assert f"\n{(THIRD_PARTY / path).read_text()}```\n" in text, path
    for file in THIRD_PARTY.rglob("*.yaml"):
        assert f"\n{file.read_text()}```\n" in text, file


def test_every_file_in_the_documentation_is_what_it_is_said_to_be() -> None:
    """Each YAML block is a provider file or a task service file without a fault."""
    kinds = []
    for block in re.findall(r"^```yaml\n(.*?)^```$", DOCUMENTATION.read_text(), re.MULTILINE | re.DOTALL):
        if "provider:" in block:
            file = documents.parse(block.encode(), ProviderFile, faults_of_provider)
            kinds.append(declare(file, "/").id)
        else:
            documents.parse(block.encode(), TaskService, lambda one: faults_of_service("example", one))
            kinds.append("service")
    assert kinds == ["upcloud", "upcloud", "acme", "service", "service"]
