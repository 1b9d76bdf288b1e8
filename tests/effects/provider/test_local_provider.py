"""The built-in provider `local`, its scripts run by each shell that may be ``sh``."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

import orchestrator.effects
from orchestrator.effects.effect import Exited
from orchestrator.effects.local import LocalEffect
from tests.support.attempts import BOOT_ID, ended, launch

if TYPE_CHECKING:
    from collections.abc import Mapping

PROVIDER = Path(orchestrator.effects.__file__).parent / "provider" / "local"
SHELLS = [shell for shell in ("/bin/dash", "/bin/bash") if os.path.exists(shell)]
BASE = ("os", "resolv", "containerd")
SERVICES = (*BASE, "kubernetes", "rook-ceph", "external-nfs", "cilium")
SERVERS = ("wuji-cp-0", "wuji-strg-0", "wuji-worker-0")


class Local:
    """The provider on a root of its own."""

    def __init__(self, directory: Path, shell: str) -> None:
        self.directory = directory
        self.shell = shell
        self.root = directory / "data" / "providers" / "local"
        self.servers = self.root / "servers"
        shell_dir = directory / "bin"
        shell_dir.mkdir()
        (shell_dir / "sh").symlink_to(shell)
        self.env = {
            "PATH": f"{shell_dir}:{os.environ['PATH']}",
            "ORCH_DATA_DIR": str(directory / "data"),
            "ORCH_DEFINITION_DIR": str(directory / "definition"),
            "ORCH_PROVIDER_DIR": str(PROVIDER),
        }

    def run(self, target: str, verb: str, item: str, **env: str) -> subprocess.CompletedProcess[str]:
        """What an action's command does, with its output."""
        return self.popen(target, verb, item, env).wait_for_output()

    def popen(self, target: str, verb: str, item: str, env: Mapping[str, str] = {}) -> Action:
        """The same, started."""
        return Action(["sh", str(PROVIDER / f"{target}.sh"), verb], {**self.env, "ORCH_ITEM": item, **env})

    def ok(self, target: str, verb: str, item: str, **env: str) -> str:
        """The output of an action that must succeed."""
        result = self.run(target, verb, item, **env)
        assert (result.returncode, result.stderr) == (0, ""), result
        return result.stdout

    def fails(self, target: str, verb: str, item: str, **env: str) -> tuple[int, str]:
        """The exit code and the message of an action that must not succeed."""
        result = self.run(target, verb, item, **env)
        assert result.returncode != 0, result
        return result.returncode, result.stderr

    def tree(self) -> dict[str, tuple[bytes, int]]:
        """{path below the root: (content, time of the last change)}, folders included."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            found[str(path.relative_to(self.root))] = (
                path.read_bytes() if path.is_file() else b"",
                path.stat().st_mtime_ns,
            )
        return found

    def names(self) -> set[str]:
        """The paths below the root but for the servers' histories."""
        return {name for name in self.tree() if not name.endswith("applied.log")}


class Action:
    """A running action."""

    def __init__(self, command: list[str], env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
        )

    def wait_for_output(self) -> subprocess.CompletedProcess[str]:
        """Its end."""
        out, err = self._process.communicate(timeout=60)
        return subprocess.CompletedProcess([], self._process.returncode, out, err)


@pytest.fixture(params=SHELLS)
def local(request: pytest.FixtureRequest, tmp_path: Path) -> Local:
    """The provider with nothing in it."""
    return Local(tmp_path, request.param)


@pytest.fixture(scope="module", params=SHELLS)
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Local:
    """Three servers with every service installed, to be copied."""
    local = Local(tmp_path_factory.mktemp("installed"), request.param)
    for server in SERVERS:
        local.ok("server", "create", server)
    for service in SERVICES:
        local.ok("taskserv", "create", service)
    return local


@pytest.fixture
def cluster(installed: Local, tmp_path: Path) -> Local:
    """Three servers with every service installed."""
    local = Local(tmp_path, installed.shell)
    shutil.copytree(installed.root, local.root)
    return local


def actions() -> list[dict[str, str]]:
    """The actions of the provider file."""
    return list(yaml.safe_load((PROVIDER / "provider.yaml").read_text())["actions"])


def test_the_provider_file_says_how_everything_is_done() -> None:
    """Every type of operation on every target has a command, and what creates has an undo."""
    file = yaml.safe_load((PROVIDER / "provider.yaml").read_text())
    assert (file["format"], file["provider"], file["batch_size"]) == (1, "local", None)
    done = {(action["type"], action["target"]) for action in actions()}
    assert done == {(t, o) for t in ("create", "update", "delete", "check") for o in ("server", "taskserv", "cluster")}
    assert all("undo" in action for action in actions() if action["type"] == "create")


@pytest.mark.parametrize("action", actions(), ids=lambda action: f"{action['type']}-{action['target']}")
def test_every_command_of_the_provider_file_runs(data_dir: Path, action: dict[str, str]) -> None:
    """As attempts, in the order of the file, on what the actions before have made."""
    effect = LocalEffect(str(data_dir), BOOT_ID)
    item = {"server": "s1", "taskserv": "os", "cluster": "c1"}[action["target"]]
    prepared = [
        ("create", "server", "s1"),
        *([("create", action["target"], item)] if action["type"] != "create" else []),
    ]
    commands = [(t, o, i) for t, o, i in prepared if (t, o) != (action["type"], action["target"])]
    by_action = {(entry["type"], entry["target"]): entry for entry in actions()}
    texts = [(by_action[kind, target]["command"], name) for kind, target, name in commands]
    texts += [(action["command"], item), (action.get("undo") or "", item)]
    for number, (text, name) in enumerate(texts, 1):
        of = launch(data_dir, text, name, number)
        of.env["ORCH_PROVIDER_DIR"] = str(PROVIDER)
        assert ended(effect.start(of)) == Exited(0), text


def test_a_server_is_a_folder_with_a_record(local: Local) -> None:
    """server.json says what the server is, applied.log what was done to it."""
    local.ok("server", "create", "wuji-cp-0", ORCH_WORKFLOW_ID="w1", ORCH_TASK_ID="w1.op.local.wuji-cp-0")
    record = json.loads((local.servers / "wuji-cp-0" / "server.json").read_text())
    assert (
        record.items()
        >= {
            "name": "wuji-cp-0",
            "provider": "local",
            "role": "control-plane",
            "revision": 1,
            "workflow": "w1",
        }.items()
    )
    log = (local.servers / "wuji-cp-0" / "applied.log").read_text()
    assert log.endswith(" create server wuji-cp-0 key=none task=w1.op.local.wuji-cp-0 attempt=1\n")
    assert local.ok("server", "check", "wuji-cp-0") == "server wuji-cp-0: control-plane, revision 1\n"


def test_creating_again_changes_nothing(cluster: Local) -> None:
    """A create that is tried again finds the server, and leaves it as it is."""
    before = cluster.tree()
    assert "is there already" in cluster.ok("server", "create", SERVERS[0])
    assert cluster.tree() == before


def test_an_attempt_that_is_repeated_is_noted_once(local: Local) -> None:
    """The idempotency key tells an action that is tried again from another one."""
    local.ok("server", "create", "a")
    for key in ("k1", "k1", "k2"):
        local.ok("server", "update", "a", ORCH_IDEMPOTENCY_KEY=key)
    record = json.loads((local.servers / "a" / "server.json").read_text())
    assert record["revision"] == 3
    log = (local.servers / "a" / "applied.log").read_text()
    assert [line.split()[1:5] for line in log.splitlines()] == [
        ["create", "server", "a", "key=none"],
        ["update", "server", "a", "key=k1"],
        ["update", "server", "a", "key=k2"],
    ]


def test_a_create_that_was_cut_off_is_completed(local: Local) -> None:
    """A folder that was begun is no server yet; what a writer left that is gone is deleted."""
    (local.servers / "a" / "etc").mkdir(parents=True)
    (local.servers / "a" / ".creating.w1").touch()
    (local.servers / "a" / "etc" / "hostname.new.99999999").write_text("half")
    assert local.fails("server", "check", "a")[0] == 66
    local.ok("server", "create", "a")
    local.ok("server", "check", "a")
    assert local.names() == {"servers", "servers/a", "servers/a/etc", "servers/a/etc/hostname", "servers/a/server.json"}


def test_deleting_leaves_nothing(cluster: Local) -> None:
    """A server goes with all that was installed in it; the others stay as they are."""
    cluster.ok("server", "delete", SERVERS[0])
    assert sorted(path.name for path in cluster.servers.iterdir()) == sorted(SERVERS[1:])
    for server in (*SERVERS[1:], SERVERS[0]):
        cluster.ok("server", "delete", server)
    assert list(cluster.servers.iterdir()) == []


def test_what_an_interrupted_deletion_left_goes_with_the_next(local: Local) -> None:
    """A folder that was renamed and not removed is found again."""
    local.ok("server", "create", "a")
    (local.servers / "a").rename(local.servers / ".deleted.a.1")
    assert local.ok("server", "delete", "a") == "there is no server a\n"
    assert list(local.servers.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "/etc", "-rf", "a b", "a\nb", "$(id)", "a'b", 'a"b', "*", "é", "a.", ".a", "x" * 121]
)
@pytest.mark.parametrize("target", ["server", "taskserv", "cluster"])
def test_refuses_names_that_are_none(local: Local, target: str, name: str) -> None:
    """No name of that kind comes near a path; the message says what a name is."""
    code, message = local.fails(target, "create", name)
    assert code == 64
    assert "cannot be a name here: use letters" in message
    assert not local.root.exists()


def test_does_not_follow_a_link_in_the_place_of_a_server(local: Local, tmp_path: Path) -> None:
    """What lies behind a planted link is neither changed nor deleted."""
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").touch()
    local.servers.mkdir(parents=True)
    (local.servers / "a").symlink_to(precious)
    assert "is a symbolic link" in local.fails("server", "create", "a")[1]
    local.ok("server", "delete", "a")
    assert [path.name for path in precious.iterdir()] == ["file"]
    assert list(local.servers.iterdir()) == []


def test_undoing_a_creation_leaves_what_another_workflow_made(local: Local) -> None:
    """A rollback takes back what its own workflow created, and nothing else."""
    local.ok("server", "create", "a", ORCH_WORKFLOW_ID="first")
    local.ok("taskserv", "create", "os", ORCH_WORKFLOW_ID="first")
    local.ok("cluster", "create", "c", ORCH_WORKFLOW_ID="first")
    before = local.names()
    items = (("server", "a"), ("taskserv", "os"), ("cluster", "c"))
    for target, item in items:
        local.ok(target, "create", item, ORCH_WORKFLOW_ID="second")
        assert "by first: left as it is" in local.ok(target, "undo-create", item, ORCH_WORKFLOW_ID="second")
    assert local.names() == before
    for target, item in reversed(items):
        local.ok(target, "undo-create", item, ORCH_WORKFLOW_ID="first")
    assert local.names() == {"servers", "clusters"}


def test_installs_into_every_server(cluster: Local) -> None:
    """Each server has each service's configuration, by its role, and a record of it."""
    for server in SERVERS:
        etc = cluster.servers / server / "etc"
        assert "nameserver 9.9.9.9" in (etc / "resolv.conf").read_text()
        assert "containerRuntimeEndpoint: unix:///run/containerd" in (etc / "kubernetes" / "kubelet.yaml").read_text()
        assert yaml.safe_load((etc / "cilium" / "config.yaml").read_text())["cluster-pool-ipv4-cidr"] == "10.244.0.0/16"
        assert json.loads((etc / "cni" / "net.d" / "05-cilium.conflist").read_text())["name"] == "cilium"
        records = {path.stem for path in (cluster.servers / server / "services").iterdir()}
        assert records == set(SERVICES)
    kubernetes = {server: cluster.servers / server / "etc" / "kubernetes" for server in SERVERS}
    joined = yaml.safe_load((kubernetes["wuji-strg-0"] / "join.yaml").read_text())
    assert joined["nodeRegistration"]["name"] == "wuji-strg-0"
    assert yaml.safe_load((kubernetes["wuji-cp-0"] / "kubeadm.yaml").read_text())["kind"] == "ClusterConfiguration"
    assert (kubernetes["wuji-cp-0"] / "manifests" / "rook-ceph.yaml").exists()


def test_a_check_changes_nothing(cluster: Local) -> None:
    """Neither content nor time of any file or folder is another after every check."""
    cluster.ok("cluster", "create", "c")
    before = cluster.tree()
    for server in SERVERS:
        cluster.ok("server", "check", server)
    for service in SERVICES:
        cluster.ok("taskserv", "check", service)
    cluster.ok("cluster", "check", "c")
    for target, item in (("server", "none"), ("taskserv", "none"), ("cluster", "none"), ("taskserv", "../os")):
        cluster.fails(target, "check", item)
    assert cluster.tree() == before


def test_a_check_finds_what_is_not_as_it_should_be(cluster: Local) -> None:
    """Changed and missing files are named with their server; update brings them back."""
    (cluster.servers / SERVERS[0] / "etc" / "resolv.conf").write_text("nameserver 6.6.6.6\n")
    (cluster.servers / SERVERS[1] / "etc" / "resolv.conf").unlink()
    code, message = cluster.fails("taskserv", "check", "resolv")
    assert code == 1
    assert message.splitlines() == [
        "wuji-cp-0: etc/resolv.conf is not as it should be; run update.",
        "wuji-strg-0: etc/resolv.conf is missing; run update.",
        "taskserv.sh: check of resolv failed on wuji-cp-0 wuji-strg-0.",
    ]
    cluster.ok("taskserv", "update", "resolv")
    cluster.ok("taskserv", "check", "resolv")


def test_installing_again_writes_nothing_that_is_as_it_should_be(cluster: Local) -> None:
    """The configuration of a service that is installed again is not touched."""
    before = {name: state for name, state in cluster.tree().items() if "/etc/" in name}
    for service in SERVICES:
        assert "wrote" not in cluster.ok("taskserv", "create", service)
    assert {name: state for name, state in cluster.tree().items() if "/etc/" in name} == before


def test_removing_leaves_nothing_of_a_service(local: Local) -> None:
    """After every service is removed, in reverse order, the servers are as new but for their history."""
    for server in SERVERS:
        local.ok("server", "create", server)
    before = local.names()
    for service in SERVICES:
        local.ok("taskserv", "create", service)
    for service in reversed(SERVICES):
        local.ok("taskserv", "delete", service)
    assert local.names() == before
    log = (local.servers / SERVERS[0] / "applied.log").read_text()
    assert [line.split()[1] for line in log.splitlines()] == ["create", *["install"] * 7, *["remove"] * 7]


@pytest.mark.parametrize(
    ("service", "missing"),
    [
        (
            "kubernetes",
            "containerd is needed, and its etc/containerd/config.toml is not there; install containerd first.",
        ),
        ("kubernetes", "resolv is needed"),
        ("cilium", "kubernetes is needed"),
        ("rook-ceph", "kubernetes is needed"),
        ("external-nfs", "kubernetes is needed"),
    ],
)
def test_says_what_a_service_needs(local: Local, service: str, missing: str) -> None:
    """A service whose foundation is not there is not installed, and nothing of it is written."""
    local.ok("server", "create", "a")
    before = local.tree()
    code, message = local.fails("taskserv", "create", service)
    assert code == 1
    assert f"a: {missing}" in message
    assert local.tree() == before


def test_takes_settings_from_the_environment(local: Local) -> None:
    """An operation's env reaches the service's script; a value that is none is refused."""
    local.ok("server", "create", "a")
    local.ok("taskserv", "create", "resolv", NAMESERVERS="10.0.0.1 fd00::1", SEARCH_DOMAIN="example.org")
    text = (local.servers / "a" / "etc" / "resolv.conf").read_text()
    assert text == "search example.org\nnameserver 10.0.0.1\nnameserver fd00::1\noptions timeout:2 attempts:3\n"
    assert "cannot be used" in local.fails("taskserv", "update", "resolv", NAMESERVERS="1.1.1.1\noptions x")[1]
    assert "cannot be used" in local.fails("taskserv", "update", "resolv", SEARCH_DOMAIN="$(id)")[1]
    assert (local.servers / "a" / "etc" / "resolv.conf").read_text() == text


def test_an_unknown_service_is_answered_with_the_known_ones(local: Local) -> None:
    """The message lists what there is, the definition's own too, and where was looked."""
    own = local.directory / "definition" / "taskservs"
    own.mkdir(parents=True)
    (own / "registry.sh").write_text("exit 0\n")
    code, message = local.fails("taskserv", "create", "docker")
    assert code == 66
    assert "there is no task service docker" in message
    assert "cilium containerd external-nfs kubernetes os registry resolv rook-ceph" in message
    assert str(own) in message
    assert str(PROVIDER / "taskservs") in message


def test_without_a_server_nothing_can_be_installed(local: Local) -> None:
    """The message says what to do; removing is fine with nothing to remove."""
    for verb in ("create", "update", "check"):
        code, message = local.fails("taskserv", verb, "os")
        assert code == 66
        assert "create one first (type create, target server)" in message
    assert "nowhere" in local.ok("taskserv", "delete", "os")
    assert "to be a member; create one first" in local.fails("cluster", "create", "c")[1]


@pytest.mark.parametrize("verb", ["update", "check"])
def test_what_was_not_created_is_neither_updated_nor_checked(local: Local, verb: str) -> None:
    """The message says to create first."""
    local.ok("server", "create", "a")
    for target, item in (("server", "b"), ("taskserv", "os"), ("cluster", "c")):
        code, message = local.fails(target, verb, item)
        assert code in (1, 66)
        assert "create it first" in message


def test_a_definition_brings_its_own_service(local: Local) -> None:
    """A script beside the definition is run in each server's folder, and goes before a built-in one."""
    own = local.directory / "definition" / "taskservs"
    own.mkdir(parents=True)
    (own / "os.sh").write_text('set -e\necho "$1 $ORCH_SERVER $ORCH_SERVER_ROLE" >>mine\n[ "$1" != check ]\n')
    local.ok("server", "create", "a-strg-0")
    local.ok("taskserv", "create", "os")
    assert (local.servers / "a-strg-0" / "mine").read_text() == "install a-strg-0 storage\n"
    assert "check of os failed on a-strg-0" in local.fails("taskserv", "check", "os")[1]


def test_tries_every_server_before_it_tells_which_failed(local: Local) -> None:
    """One server that fails does not keep a service from the others."""
    own = local.directory / "definition" / "taskservs"
    own.mkdir(parents=True)
    (own / "picky.sh").write_text('[ "$ORCH_SERVER" != b ] || { echo "no room on b" >&2; exit 9; }\n')
    for server in ("a", "b", "c"):
        local.ok("server", "create", server)
    code, message = local.fails("taskserv", "create", "picky")
    assert (code, message) == (1, "no room on b\ntaskserv.sh: create of picky failed on b.\n")
    installed = [name for name in ("a", "b", "c") if (local.servers / name / "services" / "picky.json").exists()]
    assert installed == ["a", "c"]


def test_services_are_installed_and_removed_side_by_side(local: Local) -> None:
    """Parallel actions on the same servers do not disturb each other."""
    for server in SERVERS:
        local.ok("server", "create", server)
    before = local.names()
    for verb in ("create", "delete", "create", "update", "delete"):
        running = [local.popen("taskserv", verb, service) for service in BASE]
        for action in running:
            result = action.wait_for_output()
            assert (result.returncode, result.stderr) == (0, "")
        if verb != "delete":
            for service in BASE:
                local.ok("taskserv", "check", service)
    assert local.names() == before


def test_servers_are_created_and_deleted_side_by_side(local: Local) -> None:
    """Several at once, the same one too."""
    names = ["a", "b", "c", "a"]
    for verb in ("create", "delete"):
        running = [local.popen("server", verb, name) for name in names]
        codes = [action.wait_for_output().returncode for action in running]
        assert codes[:3].count(0) >= 2
        for name in set(names):
            local.ok("server", verb, name)
    assert list(local.servers.iterdir()) == []


def test_a_cluster_knows_its_members(cluster: Local) -> None:
    """The record lists the servers; a check names those that are gone; update takes them off."""
    cluster.ok("cluster", "create", "c")
    record = cluster.root / "clusters" / "c" / "cluster.json"
    assert json.loads(record.read_text())["members"] == list(SERVERS)
    cluster.ok("server", "delete", SERVERS[1])
    assert "members that are gone: wuji-strg-0" in cluster.fails("cluster", "check", "c")[1]
    cluster.ok("cluster", "update", "c")
    assert json.loads(record.read_text())["members"] == [SERVERS[0], SERVERS[2]]
    cluster.ok("cluster", "check", "c")
    cluster.ok("cluster", "delete", "c")
    assert list((cluster.root / "clusters").iterdir()) == []


def test_another_root_can_be_named(local: Local, tmp_path: Path) -> None:
    """ORCH_LOCAL_ROOT goes before the data directory; without either the message says so."""
    elsewhere = tmp_path / "else where"
    local.ok("server", "create", "a", ORCH_LOCAL_ROOT=str(elsewhere))
    assert (elsewhere / "servers" / "a" / "server.json").exists()
    assert not local.root.exists()
    code, message = local.fails("server", "create", "a", ORCH_DATA_DIR="")
    assert code == 78
    assert "neither ORCH_LOCAL_ROOT nor ORCH_DATA_DIR" in message


@pytest.mark.parametrize("target", ["server", "taskserv", "cluster"])
def test_tells_its_usage(local: Local, target: str) -> None:
    """A verb that is none is answered with those that are."""
    code, message = local.fails(target, "install", "os")
    assert code == 64
    assert "create|update|delete|check|undo-create" in message


def test_runs_from_any_folder(local: Local, tmp_path: Path) -> None:
    """The scripts find each other by a relative path too, whatever CDPATH says."""
    copy = tmp_path / "copy of local"
    shutil.copytree(PROVIDER, copy)
    local.ok("server", "create", "a")
    env = {**local.env, "ORCH_ITEM": "os", "CDPATH": "/:/tmp"}
    result = subprocess.run(["sh", "taskserv.sh", "create"], cwd=copy, env=env, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


def test_shellcheck_finds_nothing() -> None:
    """Every script is POSIX shell without a finding."""
    scripts = [*PROVIDER.rglob("*.sh"), PROVIDER.parent.parent / "wrapper.sh"]
    command = [str(Path(sys.executable).with_name("shellcheck")), "-x", "-s", "sh", *map(str, scripts)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "")
