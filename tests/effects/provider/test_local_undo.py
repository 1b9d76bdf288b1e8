"""What the built-in provider takes back, and what its checks leave alone (rulings A-58, R1-14)."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.effects.provider.test_local_provider import PROVIDER, SERVERS, SERVICES, SHELLS, Local, actions

if TYPE_CHECKING:
    from pathlib import Path

#: What tells a script which task it works for.
TASK = {"ORCH_WORKFLOW_ID": "w1", "ORCH_OPERATION": "op", "ORCH_TASK_ID": "w1.op.local.x", "ORCH_IDEMPOTENCY_KEY": "k1"}
UNDO = {**TASK, "ORCH_IDEMPOTENCY_KEY": "k2"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Local:
    """Three servers with every service and a cluster, to be copied."""
    local = Local(tmp_path_factory.mktemp("installed"), SHELLS[0])
    for server in SERVERS:
        local.ok("server", "create", server)
    for service in SERVICES:
        local.ok("taskserv", "create", service, NAMESERVERS="10.1.1.1")
    local.ok("cluster", "create", "c")
    return local


@pytest.fixture(params=SHELLS)
def local(request: pytest.FixtureRequest, installed: Local, tmp_path: Path) -> Local:
    """The same, of the test's own."""
    local = Local(tmp_path, request.param)
    shutil.copytree(installed.root, local.root)
    return local


def state(local: Local) -> dict[str, bytes]:
    """{path: content} of all servers and clusters but their histories; what is kept is left out."""
    return {
        name: content
        for name, (content, _) in local.tree().items()
        if not name.startswith("kept") and not name.endswith("applied.log")
    }


@pytest.mark.parametrize(
    ("target", "verb", "item"),
    [(target, verb, item) for target, item in (("server", SERVERS[0]), ("taskserv", "resolv"), ("cluster", "c"))
     for verb in ("update", "delete")],
)  # fmt: skip
def test_an_update_and_a_deletion_are_taken_back(local: Local, target: str, verb: str, item: str) -> None:
    """Everything is as it was before, however often doing and undoing are repeated."""
    (local.servers / SERVERS[0] / "etc" / "hostname").write_text("another\n")
    (local.servers / SERVERS[0] / "etc" / "resolv.conf").write_text("# by hand, without an end of line")
    (local.servers / SERVERS[1] / "etc" / "resolv.conf").unlink()
    if target == "cluster":
        local.ok("server", "delete", SERVERS[2])
    before = state(local)
    for _ in range(2):
        local.ok(target, verb, item, NAMESERVERS="10.2.2.2", **TASK)
    assert state(local) != before
    for _ in range(2):
        local.ok(target, f"undo-{verb}", item, NAMESERVERS="10.2.2.2", **UNDO)
        assert state(local) == before


def test_services_of_a_deleted_server_come_back_with_it(local: Local) -> None:
    """The folder is moved away and moved back, histories and times included."""
    before = {name: state for name, state in local.tree().items() if name.startswith(f"servers/{SERVERS[0]}/")}
    assert len(before) > 20
    local.ok("server", "delete", SERVERS[0], **TASK)
    assert SERVERS[0] not in os.listdir(local.servers)
    local.ok("server", "undo-delete", SERVERS[0], **UNDO)
    after = {name: state for name, state in local.tree().items() if name.startswith(f"servers/{SERVERS[0]}/")}
    assert after == before


def test_undoing_leaves_what_came_after(local: Local) -> None:
    """What was made again or changed again since is not overwritten."""
    server = SERVERS[0]
    local.ok("server", "update", server, **TASK)
    local.ok("taskserv", "update", "os", **TASK)
    local.ok("server", "update", server, **{**TASK, "ORCH_WORKFLOW_ID": "w2", "ORCH_IDEMPOTENCY_KEY": "k9"})
    local.ok("taskserv", "update", "os", **{**TASK, "ORCH_WORKFLOW_ID": "w2", "ORCH_TASK_ID": "w2.op.local.os"})
    assert "updated again since" in local.ok("server", "undo-update", server, **UNDO)
    assert "changed again since" in local.ok("taskserv", "undo-update", "os", **UNDO)
    assert json.loads((local.servers / server / "server.json").read_text())["revision"] == 3
    local.ok("server", "delete", server, **TASK)
    local.ok("taskserv", "delete", "resolv", **TASK)
    local.ok("server", "create", server)
    local.ok("taskserv", "create", "resolv")
    before = state(local)
    assert "again: left as it is" in local.ok("server", "undo-delete", server, **UNDO)
    assert "installed again" in local.ok("taskserv", "undo-delete", "resolv", **UNDO)
    assert state(local) == before


def test_with_nothing_kept_there_is_nothing_to_undo(local: Local) -> None:
    """What did nothing, or was done by hand."""
    before = state(local)
    for target, item in (("server", "none"), ("taskserv", "os"), ("cluster", "none")):
        for verb in ("update", "delete"):
            local.ok(target, f"undo-{verb}", item, **UNDO)
            local.ok(target, f"undo-{verb}", item)
    assert state(local) == before
    local.ok("server", "delete", SERVERS[0])
    assert not (local.root / "kept").exists()


def test_what_is_kept_goes_with_its_workflow(local: Local) -> None:
    """The next action that keeps something deletes what belongs to workflows that are archived."""
    workflows = local.directory / "data" / "workflows"
    for name in ("w1", "w2"):
        (workflows / name).mkdir(parents=True)
        local.ok("server", "update", SERVERS[0], **{**TASK, "ORCH_WORKFLOW_ID": name, "ORCH_IDEMPOTENCY_KEY": name})
    (local.root / "kept" / "of-another-directory" / "op").mkdir(parents=True)
    (local.root / "kept" / "of-another-directory" / "data-dir").write_text("/elsewhere\n")
    (workflows / "w1").rmdir()
    (workflows / "w3").mkdir()
    local.ok("server", "update", SERVERS[0], **{**TASK, "ORCH_WORKFLOW_ID": "w3", "ORCH_IDEMPOTENCY_KEY": "w3"})
    assert sorted(os.listdir(local.root / "kept")) == ["of-another-directory", "w2", "w3"]


def test_a_script_of_the_definition_keeps_what_it_wants(local: Local) -> None:
    """Restore is asked of those that keep files; without, a removal is undone by install, an update not at all."""
    own = local.directory / "definition" / "taskservs"
    own.mkdir(parents=True)
    (own / "plain.sh").write_text('echo "$1" >>said\n')
    keeping = (
        'case $1 in update | remove) mkdir -p "$ORCH_SERVICE_KEEP/files"; cp said "$ORCH_SERVICE_KEEP/files" ;; esac'
    )
    (own / "keeping.sh").write_text(f'{keeping}\necho "$1" >>said\n')
    said = local.servers / SERVERS[0] / "said"
    for service in ("plain", "keeping"):
        local.ok("taskserv", "create", service)
        said.unlink()
        (local.servers / SERVERS[0] / "said").touch()
        local.ok("taskserv", "delete", service, **TASK)
        local.ok("taskserv", "undo-delete", service, **UNDO)
        assert said.read_text().split() == ["remove", {"plain": "install", "keeping": "restore"}[service]]
        local.ok("taskserv", "check", service)
    local.ok("taskserv", "update", "keeping", **TASK)
    local.ok("taskserv", "undo-update", "keeping", **UNDO)
    assert said.read_text().split()[-2:] == ["update", "restore"]
    local.ok("taskserv", "update", "plain", **TASK)
    code, message = local.fails("taskserv", "undo-update", "plain", **UNDO)
    assert code == 1
    assert f"the script of plain kept nothing, so {SERVERS[0]} cannot be made what it was" in message


def test_an_installation_brings_its_own_service(local: Local) -> None:
    """A script in the data directory goes before a built-in one, and after one beside the definition."""
    scripts = local.directory / "data" / "taskservs"
    scripts.mkdir()
    (scripts / "os.sh").write_text("echo from the installation\n")
    assert "from the installation" in local.ok("taskserv", "create", "os")
    own = local.directory / "definition" / "taskservs"
    own.mkdir(parents=True)
    (own / "os.sh").write_text("echo from the definition\n")
    assert "from the definition" in local.ok("taskserv", "create", "os")


def digest(folder: Path) -> str:
    """Of all names, contents, modes, owners and times below a folder, itself included; links are not followed."""
    found = hashlib.sha256()
    for path in [folder, *sorted(folder.rglob("*"))]:
        own = path.lstat()
        content = b""
        if path.is_symlink():
            content = os.readlink(path).encode()
        elif path.is_file():
            content = path.read_bytes()
        found.update(repr((str(path), own.st_mode, own.st_uid, own.st_mtime_ns, own.st_ino, content)).encode())
    return found.hexdigest()


def break_it(local: Local) -> None:
    """Much of what can be wrong with a workspace."""
    first, second, third = (local.servers / name for name in SERVERS)
    (first / "etc" / "hostname").unlink()
    (first / "etc" / "resolv.conf.new.99999999").write_text("half")
    (first / "server.json.new.99999999").write_text("half")
    (second / "server.json").write_text("{")
    (second / "services" / "os.json").unlink()
    (second / "etc" / "containerd" / "config.toml").chmod(0)
    shutil.rmtree(third / "etc")
    (local.servers / "link").symlink_to(first)
    (local.servers / ".deleted.x.1").mkdir()
    (local.root / "clusters" / "half").mkdir()


@pytest.mark.parametrize("is_broken", [False, True])
def test_no_check_of_the_provider_file_changes_anything(local: Local, is_broken: bool) -> None:
    """Every check action on everything there is, and on what there is not; whole or broken, before and after."""
    if is_broken:
        break_it(local)
    checks = [action for action in actions() if action["type"] == "check"]
    assert {action["target"] for action in checks} == {"server", "taskserv", "cluster"}
    (local.directory / "definition").mkdir()
    before = digest(local.directory)
    codes = set()
    for action in checks:
        for item in (*SERVERS, *SERVICES, "c", "half", "link", "none", "../c", ""):
            env = {**local.env, **TASK, "ORCH_ITEM": item, "ORCH_PROVIDER_DIR": str(PROVIDER), "HOME": "/nonexistent"}
            result = subprocess.run(
                ["sh", "-c", action["command"]], env=env, cwd=local.directory / "definition", capture_output=True
            )
            codes.add(result.returncode)
            assert digest(local.directory) == before, (action["command"], item)
    assert codes >= {0, 1, 64, 66} if not is_broken else codes >= {1, 64, 66}
