"""Provider files and task service files: where they come from, and what is said about wrong ones."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from orchestrator.definitions.providers import load_provider, load_providers
from orchestrator.definitions.providers.directories import Directories
from orchestrator.definitions.taskservs import beside, load_taskservs
from orchestrator.definitions.taskservs.machine import measure
from orchestrator.model.errors import UsageError
from orchestrator.plan.ir import Action, ProviderLimits

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "format: 1\nprovider: cloud\nactions: []\n"
SHARED = "shared: {private_network: {command: make, undo: drop}, security_group: {command: secure}}\n"


def write(folder: Path, text: str, name: str = "cloud.yaml", below: str = "providers") -> str:
    """A file of the installation at `folder`; its path."""
    (folder / below).mkdir(exist_ok=True)
    path = folder / below / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_built_in_provider_is_there_and_has_no_limits() -> None:
    """Nothing is shared, nothing is limited: it is this machine."""
    local = load_providers(None)["local"]
    assert (local.limits, local.shared, local.host) == (ProviderLimits(), (), None)
    assert ("create", "server") in local.actions


def test_a_dependencies_block_gives_limits_and_shared_resources(tmp_path: Path) -> None:
    """What it leaves out is as in the schema: ten requests a second, five tasks at a time, two resources."""
    provider = load_provider(write(tmp_path, f"{HEAD}{SHARED}dependencies: {{}}\n"))
    assert provider.limits == ProviderLimits(5, 10)
    assert [(one.name, one.action, one.before_servers) for one in provider.shared] == [
        ("private_network", Action("make", "drop"), True),
        ("security_group", Action("secure", None), True),
    ]
    block = "dependencies: {api_rate_limit: 3, batch_size: null, network_before_servers: false}\n"
    provider = load_provider(write(tmp_path, f"{HEAD}{SHARED}{block}host: {{memory: 8GiB, disk: 512000MiB}}\n"))
    assert provider.limits == ProviderLimits(None, 3)
    assert [one.before_servers for one in provider.shared] == [False, True]
    assert provider.host is not None
    assert (provider.host.cpu, provider.host.memory, provider.host.disk) == (None, 8192, 500)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", None, "expected `object`, got `null`"),
        ("format: 1\n  provider: x\n", 2, "mapping values are not allowed"),
        ("format: 1\nprovider: cloud\n", 1, "missing required field `actions`"),
        ("format: 2\nprovider: cloud\nactions: []\n", 1, "format: this is format 2, and this version knows 1"),
        ("format: 1\nprovider: a/b\nactions: []\n", 2, "provider: 'a/b' cannot be a provider's id"),
        (f"{HEAD}batch_size: 0\n", 4, "batch_size: expected `int` >= 1"),
        (f"{HEAD}colour: red\n", 4, "colour: there is no such key"),
        (f"{HEAD}provider: other\n", 4, "'provider' is given twice"),
        (f"{HEAD}dependencies: {{batch: 1}}\n", 4, "dependencies.batch: there is no such key"),
        (
            f"{HEAD}dependencies:\n  api_rate_limit: fast\n",
            5,
            "dependencies.api_rate_limit: expected `int | null`, got `str`",
        ),
        (f"{HEAD}dependencies: {{}}\n", 4, "nothing says how to make 'private_network'; add `shared:"),
        (
            f"{HEAD}dependencies:\n  shared_resources:\n    - a_network\n    - a_network\nshared:\n  a_network:\n"
            "    command: x\n",
            7,
            "'a_network' is listed twice",
        ),
        (
            f"{HEAD}dependencies:\n  shared_resources: []\n",
            4,
            "no shared resource has 'network' in its name; list one, or set requires_network: false",
        ),
        (
            f"{HEAD}dependencies:\n  requires_network: true\n  shared_resources: [a/network]\n",
            6,
            "'a/network' cannot be a resource's name",
        ),
        (f"{HEAD}shared:\n  dns: {{command: x}}\n", 5, "shared.dns: nothing asks for 'dns'"),
        (f"{HEAD}{SHARED}dependencies: {{batch_size: 1}}\nbatch_size: 2\n", 5, "batch_size is given twice"),
        (f"{HEAD}shared:\n  dns: {{undo: x}}\n", None, "missing required field `command`"),
        (f"{HEAD}host:\n  memory: 4GB\n", 5, "host.memory: '4GB' is not a whole number of MiB; write 3815"),
        (
            "format: 1\nprovider: x\nactions:\n- {type: create, target: server, command: a}\n"
            "- {type: create, target: server, command: b}\n",
            5,
            "there are two actions that create a server",
        ),
        (
            "format: 1\nprovider: x\nactions:\n- {type: make, target: server, command: a}\n",
            4,
            "actions.0.type: invalid enum value 'make'",
        ),
    ],
)
def test_a_wrong_provider_file_is_told_by_line_and_key(tmp_path: Path, text: str, line: int | None, said: str) -> None:
    """The message names the file, the line, the key and, where it is not plain, the remedy."""
    path = write(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        load_providers(str(tmp_path))
    assert caught.value.message.startswith(f"Provider file {path}" + (f", line {line}, column " if line else ""))
    assert said in caught.value.message


def test_an_installation_replaces_a_built_in_provider(tmp_path: Path) -> None:
    """By its id; a file that changes is read again, one that goes is forgotten."""
    built_in = load_providers(None)["local"]
    path = write(tmp_path, "format: 1\nprovider: local\nactions: []\nbatch_size: 1\n")
    assert load_providers(str(tmp_path))["local"].limits.batch_size == 1
    write(tmp_path, "format: 1\nprovider: local\nactions: []\nbatch_size: 22\n")
    assert load_providers(str(tmp_path))["local"].limits.batch_size == 22
    os.unlink(path)
    assert load_providers(str(tmp_path))["local"] == built_in


def test_two_files_of_an_installation_that_are_the_same_provider_are_told(tmp_path: Path) -> None:
    """A forgotten copy must not change what runs."""
    path = write(tmp_path, "format: 1\nprovider: cloud\nactions: []\n")
    shutil.copy(path, f"{path}-backup.yaml")
    with pytest.raises(UsageError, match="both are provider 'cloud'"):
        load_providers(str(tmp_path))


def test_a_daemon_sees_providers_that_come_and_go(tmp_path: Path) -> None:
    """A file that is wrong for a while changes nothing."""
    directories = Directories(str(tmp_path))
    assert set(directories) == {"local"}
    path = write(tmp_path, HEAD)
    assert directories["cloud"] == os.path.dirname(path)
    write(tmp_path, "{")
    assert directories["cloud"] == os.path.dirname(path)
    assert len(directories) == 2
    with pytest.raises(UsageError):
        Directories(str(tmp_path))


def test_the_built_in_task_services_say_what_they_need() -> None:
    """Kubernetes needs three others, and what runs on it needs Kubernetes; they run on any machine."""
    found = load_taskservs(None)
    assert {name: one.requires for name, one in found.items()} == {
        "os": [],
        "resolv": [],
        "containerd": [],
        "kubernetes": ["os", "resolv", "containerd"],
        "cilium": ["kubernetes"],
        "rook-ceph": ["kubernetes"],
        "external-nfs": ["kubernetes"],
    }
    assert not any(one.minimum_resources or one.health_check or one.conflicts_with for one in found.values())


def test_an_installation_declares_task_services(tmp_path: Path) -> None:
    """They go before the built-in ones; a wrong file is told by line and key."""
    write(tmp_path, "requires: [os]\nminimum_resources: {memory: 4GiB}\n", "os2.yaml", "taskservs")
    write(tmp_path, "requires: []\n", "kubernetes.yaml", "taskservs")
    write(tmp_path, "not a declaration", "notes.txt", "taskservs")
    found = load_taskservs(str(tmp_path))
    assert found["kubernetes"].requires == []
    assert found["os2"].minimum_resources is not None
    assert found["os2"].minimum_resources.memory == 4096
    path = write(tmp_path, "requires:\n  - a\n  - bad\n", "bad.yaml", "taskservs")
    with pytest.raises(UsageError, match=f"Task service file {path}, line 3, column 5: requires.1: 'bad' names itself"):
        load_taskservs(str(tmp_path))


def test_what_is_wrong_beside_a_definition_does_not_hide_the_rest(tmp_path: Path) -> None:
    """Each file is looked at; a fault has its place."""
    write(tmp_path, "requires: [a]\n", "good.yaml", "taskservs")
    path = write(tmp_path, "health_check:\n  timeout: 3\n", "bad.yaml", "taskservs")
    found, ((where, text, fault),) = beside(str(tmp_path))
    assert (list(found), where, text.splitlines()[0]) == (["good"], path, "health_check:")
    assert (fault.line, fault.message) == (1, "health_check: object missing required field `command`")
    assert beside(str(tmp_path / "nowhere")) == ({}, [])


def test_the_machine_is_measured(tmp_path: Path) -> None:
    """At least what a test needs; a folder that is not there has an unknown size."""
    found = measure(str(tmp_path))
    assert (found.cpu or 0) >= 1
    assert (found.memory or 0) > 100
    assert found.disk is not None
    assert measure(str(tmp_path / "nowhere")).disk is None
