"""Whose a thing is: what a task of the built-in provider takes for its own, and what it leaves to others."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.effects.provider.test_local_provider import PROVIDER, SHELLS, Local

#: Targets with an item of each; the servers come first, because the others need them.
ITEMS = [("server", "s1"), ("taskserv", "resolv"), ("cluster", "c1")]
TARGETS = pytest.mark.parametrize(("target", "item"), ITEMS)
FOLDERS = pytest.mark.parametrize(("target", "item"), [ITEMS[0], ITEMS[2]])


@pytest.fixture(params=SHELLS)
def local(request: pytest.FixtureRequest, tmp_path: Path) -> Local:
    """A data directory in which three workflows are, and nothing else."""
    local = Local(tmp_path, request.param)
    for workflow in ("w1", "w2", "w3"):
        (tmp_path / "data" / "workflows" / workflow).mkdir(parents=True)
    return local


def task(workflow: str, verb: str, item: str, origin: str = "") -> dict[str, str]:
    """What tells a script whose task it does; the operation is named after the verb that is done or undone."""
    undo, _, operation = verb.rpartition("-")
    return {
        "ORCH_WORKFLOW_ID": workflow,
        "ORCH_ORIGIN_WORKFLOW_ID": origin or workflow,
        "ORCH_OPERATION": operation,
        "ORCH_TASK_ID": f"{workflow}.{operation}.local.{item}",
        "ORCH_IDEMPOTENCY_KEY": f"{workflow}-{operation}-{item}{undo}",
    }


def act(local: Local, workflow: str, target: str, verb: str, item: str, origin: str = "", **env: str) -> str:
    """A task of a workflow, done or undone."""
    return local.ok(target, verb, item, **task(workflow, verb, item, origin), **env)


def state(local: Local) -> dict[str, bytes]:
    """{path: content} of everything but what is kept and the servers' histories."""
    found = {name: content for name, (content, _) in local.tree().items()}
    return {
        name: content
        for name, content in found.items()
        if "/" in name and not name.startswith("kept/") and not name.endswith("/applied.log")
    }


def prepare(local: Local, target: str) -> None:
    """What a target needs, made by somebody else."""
    if target != "server":
        local.ok("server", "create", "s1")
        local.ok("server", "create", "s2")


def record(local: Local, target: str, item: str) -> dict[str, object]:
    """The record of a server or a cluster."""
    loaded: dict[str, object] = json.loads((local.root / f"{target}s" / item / f"{target}.json").read_text())
    return loaded


@TARGETS
def test_who_takes_results_over_undoes_them(local: Local, target: str, item: str) -> None:
    """What the first workflow created, updated and deleted, the third undoes, and nothing else does."""
    prepare(local, target)
    nothing = state(local)
    act(local, "w1", target, "create", item, NAMESERVERS="10.1.1.1")
    created = state(local)
    if target == "server":
        (local.servers / "s1" / "etc" / "hostname").write_text("by hand\n")
        created = state(local)
    act(local, "w1", target, "update", item, NAMESERVERS="10.2.2.2")
    updated = state(local)
    act(local, "w1", target, "delete", item)
    deleted = state(local)
    assert len({tuple(each.items()) for each in (created, updated, deleted)}) == 3
    for verb, before, after in (
        ("undo-delete", deleted, updated),
        ("undo-update", updated, created),
        ("undo-create", created, nothing),
    ):
        for workflow, origin in (("w3", ""), ("w3", "w2"), ("w1", "w2")):
            act(local, workflow, target, verb, item, origin)
            assert state(local) == before, (verb, workflow, origin)
        for _ in range(2):
            act(local, "w3", target, verb, item, "w1")
            assert state(local) == after
    assert {name for name in local.names() if name.startswith("kept/w")} <= {
        "kept/w1", "kept/w1/data-dir", *(f"kept/w1/{verb}" for verb in ("update", "delete")),
        f"kept/w1/delete/{item}", f"kept/w1/update/{item}",
    }  # fmt: skip


@pytest.mark.parametrize("has_archive", [True, False])
def test_what_is_kept_waits_for_who_continues(local: Local, has_archive: bool) -> None:
    """Directly or over several, by the archive or by the successor's own word; then it goes."""
    data = local.directory / "data"
    (data / "archive").mkdir()
    act(local, "w1", "server", "create", "s1")
    for workflow in ("w1", "w2"):
        act(local, workflow, "server", "update", "s1")
    successors = {"w1": "w2", "w2": "w3"} if has_archive else {"w2": "w3"}
    for workflow, successor in successors.items():
        (data / "workflows" / workflow).rmdir()
        if has_archive:
            line = json.dumps({"entry": "workflow", "id": workflow, "continued_by": successor}, separators=(",", ":"))
            (data / "archive" / f"{workflow}.jsonl").write_text(f'{line}\n{{"continued_by":"none"}}\n')
    continues = json.dumps({"id": "w3", "continues": "w2", "continued_by": None}, indent=1)
    (data / "workflows" / "w3" / "state.json").write_text(continues)
    for number in range(2):
        (data / "workflows" / f"other{number}").mkdir()
        act(local, f"other{number}", "server", "update", "s1")
        kept = {name for name in os.listdir(local.root / "kept") if name.startswith("w")}
        assert kept == ({"w1", "w2"} if number == 0 else set() if has_archive else {"w1"})
        shutil.rmtree(data / "workflows" / "w3", ignore_errors=True)


def test_an_archive_that_goes_in_a_circle_ends(local: Local) -> None:
    """A workflow that continues itself is nobody's."""
    data = local.directory / "data"
    (data / "archive").mkdir()
    act(local, "w1", "server", "create", "s1")
    act(local, "w1", "server", "update", "s1")
    (data / "workflows" / "w1").rmdir()
    (data / "archive" / "w1.jsonl").write_text('{"entry":"workflow","id":"w1","continued_by":"w1"}\n')
    act(local, "w2", "server", "update", "s1")
    assert sorted(os.listdir(local.root / "kept")) == ["w2"]


@TARGETS
def test_an_update_tried_again_after_anothers_keeps_that(local: Local, target: str, item: str) -> None:
    """Undoing goes back to what the other workflow made, not behind it."""
    prepare(local, target)
    act(local, "w1", target, "create", item, NAMESERVERS="10.0.0.1")
    act(local, "w1", target, "update", item, NAMESERVERS="10.0.0.2")
    if target == "server":
        (local.servers / "s1" / "etc" / "hostname").write_text("by hand\n")
    act(local, "w2", target, "update", item, NAMESERVERS="10.0.0.3")
    others = state(local)
    for _ in range(2):
        act(local, "w1", target, "update", item, NAMESERVERS="10.0.0.4")
    assert state(local) != others
    act(local, "w1", target, "undo-update", item)
    assert state(local) == others


def test_a_service_installed_again_by_another_is_kept_anew(local: Local) -> None:
    """A removal that is tried again takes away what the other installed, and brings that back."""
    prepare(local, "taskserv")
    act(local, "w1", "taskserv", "create", "resolv", NAMESERVERS="10.0.0.1")
    act(local, "w1", "taskserv", "delete", "resolv")
    act(local, "w2", "taskserv", "create", "resolv", NAMESERVERS="10.0.0.2")
    others = state(local)
    act(local, "w1", "taskserv", "delete", "resolv")
    act(local, "w1", "taskserv", "undo-delete", "resolv", NAMESERVERS="10.0.0.9")
    assert state(local) == others


@FOLDERS
def test_a_deletion_tried_again_keeps_what_another_made(local: Local, target: str, item: str) -> None:
    """Everything that was deleted is kept, and the last of it comes back."""
    prepare(local, target)
    owners = ["w1", "w2", "w3"]
    for owner in owners:
        act(local, owner, target, "create", item)
        others = state(local)
        act(local, "w1", target, "delete", item)
    kept = local.root / "kept" / "w1" / "delete" / item
    found = {name: json.loads((kept / name / f"{target}.json").read_text())["workflow"] for name in os.listdir(kept)}
    assert found == {f"{target}.1": "w1", f"{target}.2": "w2", target: "w3"}
    act(local, "w1", target, "undo-delete", item)
    assert state(local) == others
    act(local, "w3", target, "delete", item)
    gone = state(local)
    act(local, "w1", target, "undo-delete", item)
    assert state(local) == gone


@FOLDERS
def test_a_foreign_folder_is_neither_taken_nor_deleted(local: Local, target: str, item: str) -> None:
    """Whatever is asked, it stays; the message names it and the remedy."""
    prepare(local, target)
    folder = local.root / f"{target}s" / item
    (folder / "precious").mkdir(parents=True)
    (folder / "precious" / "file").write_text("data")
    before = local.tree()
    code, message = local.fails(target, "create", item, **task("w1", "create", item))
    assert (code, message) == (
        73, f"{target}.sh: {folder} is there already and is no {target} of this provider; move it away.\n",
    )  # fmt: skip
    code, message = local.fails(target, "delete", item, **task("w1", "delete", item))
    assert (code, f"{folder} is no {target} of this provider: left as it is" in message) == (73, True)
    for verb in ("undo-create", "undo-update", "undo-delete"):
        act(local, "w1", target, verb, item)
    assert local.tree() == before
    shutil.rmtree(folder / "precious")
    act(local, "w1", target, "create", item)
    assert record(local, target, item)["workflow"] == "w1"


@FOLDERS
def test_a_link_and_a_file_in_the_place_of_a_folder_stay(local: Local, target: str, item: str, tmp_path: Path) -> None:
    """Undoing a creation takes neither away."""
    prepare(local, target)
    folder = local.root / f"{target}s" / item
    folder.parent.mkdir(parents=True, exist_ok=True)
    for make in (lambda: folder.symlink_to(tmp_path), lambda: folder.write_text("data")):
        make()
        assert local.fails(target, "create", item)[0] == 73
        act(local, "w1", target, "undo-create", item)
        assert os.path.lexists(folder)
        folder.unlink()


def test_half_a_creation_belongs_to_who_began_it(local: Local) -> None:
    """Others leave it, or complete it; then it is theirs."""
    folder = local.servers / "s1"
    (folder / "etc").mkdir(parents=True)
    (folder / ".creating.w1").touch()
    before = local.tree()
    act(local, "w2", "server", "undo-create", "s1")
    assert local.tree() == before
    (folder / ".creating.w3").touch()
    act(local, "w3", "server", "undo-create", "s1")
    assert set(local.tree()) == set(before)
    act(local, "w2", "server", "create", "s1")
    assert not list(folder.glob(".creating.*"))
    act(local, "w1", "server", "undo-create", "s1")
    assert record(local, "server", "s1")["workflow"] == "w2"
    act(local, "w2", "server", "undo-create", "s1")
    (folder / "etc").mkdir(parents=True)
    (folder / ".creating.w1").touch()
    act(local, "w1", "server", "undo-create", "s1")
    assert not list(local.servers.iterdir())


def test_only_what_has_a_name_and_is_no_link_is_a_server(local: Local) -> None:
    """A link would have a service installed twice into one server; a blank would make two names of one."""
    local.ok("server", "create", "s1")
    (local.servers / "link").symlink_to("s1")
    for name in ("s1 s2", "s2.", "s3", ".s4", "-s5"):
        shutil.copytree(local.servers / "s1", local.servers / name)
    (local.servers / "s3" / "server.json").unlink()
    before = {path: path.lstat().st_mtime_ns for path in local.servers.rglob("*") if "s1/" not in f"{path}/"}
    assert local.ok("taskserv", "create", "os").splitlines() == [
        "s1: wrote etc/modules-load.d/containers.conf",
        "s1: wrote etc/sysctl.d/90-containers.conf",
    ]
    local.ok("cluster", "create", "c")
    assert record(local, "cluster", "c")["members"] == ["s1"]
    after = {path: path.lstat().st_mtime_ns for path in local.servers.rglob("*") if "s1/" not in f"{path}/"}
    assert after == before


def test_an_update_after_its_undoing_is_noted(local: Local) -> None:
    """Each time it is done or undone has its line, however often each is tried."""
    act(local, "w1", "server", "create", "s1")
    act(local, "w1", "taskserv", "create", "os")
    for _ in range(2):
        for verb in ("update", "undo-update"):
            for target, item in (("server", "s1"), ("taskserv", "os")):
                for _ in range(2):
                    act(local, "w1", target, verb, item)
    log = (local.servers / "s1" / "applied.log").read_text()
    assert [" ".join(line.split()[1:-3]) for line in log.splitlines()] == [
        "create server s1",
        "install os",
        *["update server s1", "update os", "undo-update server s1", "undo os"] * 2,
    ]
    assert record(local, "server", "s1")["revision"] == 1


@pytest.mark.parametrize("shell", SHELLS)
def test_a_writer_of_another_user_is_alive(shell: str) -> None:
    """Its half-written file is let alone, as is what is no writer's; only what a dead one left goes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        shutil.copy(PROVIDER / "unfinished.sh", folder)
        files = {folder / f"x.new.{of}" for of in ("1", "99999999", "bak", "1a")}
        for file in files:
            file.touch()
        # The process 1 is the superuser's; who looks is somebody else.
        as_nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
        text = "set -eu; . ./unfinished.sh; drop_unfinished x; if kill -0 1 2>/dev/null; then exit 3; fi"
        result = subprocess.run([shell, "-c", text], cwd=folder, capture_output=True, **as_nobody)  # type: ignore[call-overload]
        assert (result.returncode, result.stderr) == (0, b"")
        assert set(folder.glob("x.new.*")) == files - {folder / "x.new.99999999"}
