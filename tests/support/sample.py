"""The frozen data directory ``data/sample``: a morning of a daemon, lived through on the simulated machine.

The daemon is the real one; clock, disk, threads and processes are those of tests/simulation, so that every byte is the
same each time. What is asked, and what becomes of each command, stands here as in a script. In the end the daemon is
killed in the middle of its work, twice: once to be followed by another, once for good.
"""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from orchestrator.config import Settings
from orchestrator.daemon import Daemon
from orchestrator.files.asking import validator
from orchestrator.files.asking.drop import request_bytes
from orchestrator.files.layout import INBOX, JOURNAL, LOCK_FILE, REPLIES, log_path
from orchestrator.runtime.ids import new_workflow_id
from orchestrator.store.directory import make_ours
from orchestrator.store.realdisk import RealDisk
from tests.simulation.machine import Machine, Reactor, Workers
from tests.simulation.processes import CommandFate, Effect, Process
from tests.support.filesystem import Crash

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orchestrator.effects.effect import Launch
    from orchestrator.runtime.clock import Clock
    from orchestrator.runtime.host import Waiting
    from orchestrator.store.disk import Disk, System

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "sample"

#: Where it happened: names that mean nothing on anybody's machine.
DATA_DIR = "/var/lib/orchestrator/data"
HOME = "/srv/deploy"

#: Monday, 2 March 2026, 08:00 UTC.
BEGIN_US = 1_772_438_400_000_000

_SECOND = 1_000_000

DEFINITIONS = {
    "release.k": """\
import workflows

release = workflows.WorkflowDef {
    name = "release"
    operations = [
        {
            id = "build", type = "create", target = "server", items = ["api", "web", "worker"]
            command = "make -C $ORCH_ITEM image"
        }
        {
            id = "migrate", type = "update", target = "cluster", items = ["database"]
            depends_on = ["build"]
            command = "./migrate --up"
            rollback_command = "./migrate --down"
        }
        {
            id = "switch", type = "update", target = "server", items = ["fra-1", "fra-2", "ams-1"]
            depends_on = ["migrate"], parallel = False
            command = "./switch $ORCH_ITEM"
            rollback_command = "./switch --back $ORCH_ITEM"
            retry_policy = {max_attempts = 3, initial_delay = 5}
        }
        {
            id = "announce", type = "check", target = "cluster", items = ["status-page"]
            depends_on = ["switch"]
            command = "./announce"
        }
    ]
}
""",
    "backup.k": """\
import workflows

backup = workflows.WorkflowDef {
    name = "nightly-backup"
    priority = -10
    operations = [
        {
            id = "dump", type = "create", target = "server", items = ["orders", "customers", "invoices"], parallel = 2
            command = "./dump $ORCH_ITEM", on_failure = "continue"
            timeout = 120, retry_policy = {max_attempts = 2, initial_delay = 10}
        }
        {
            id = "upload", type = "create", target = "cluster", items = ["archive"], depends_on = ["dump"]
            command = "./upload"
        }
    ]
}
""",
    "certificates.k": """\
import workflows

renewal = workflows.WorkflowDef {
    name = "certificates"
    operations = [
        {
            id = "renew", type = "update", target = "server", items = ["shop.example", "mail.example", "git.example"]
            command = "./renew $ORCH_ITEM", on_failure = "continue"
            retry_policy = {max_attempts = 1}
        }
        {
            id = "install", type = "update", target = "server", items = ["lb-1", "lb-2"], depends_on = ["renew"]
            command = "./install $ORCH_ITEM"
        }
    ]
}
""",
    "cluster.k": """\
import workflows

upgrade = workflows.WorkflowDef {
    name = "cluster-upgrade"
    priority = 5
    operations = [
        {
            id = "drain", type = "update", target = "server", items = ["node-1", "node-2", "node-3", "node-4"]
            parallel = 2, command = "./drain $ORCH_ITEM"
        }
        {
            id = "upgrade", type = "update", target = "server", items = ["node-1", "node-2", "node-3", "node-4"]
            depends_on = ["drain"], command = "./upgrade $ORCH_ITEM", timeout = 3600
            retry_policy = {max_attempts = 5, backoff = "linear", initial_delay = 120}
        }
        {
            id = "check", type = "check", target = "cluster", items = ["kubernetes"], depends_on = ["upgrade"]
            command = "./check"
        }
    ]
}
""",
    "payments.k": """\
import workflows

payments = workflows.WorkflowDef {
    name = "payments"
    operations = [
        {
            id = "transfer", type = "create", target = "cluster", items = ["batch-0301", "batch-0302"]
            command = "./transfer $ORCH_ITEM", at_most_once = True, timeout = 7200
        }
        {
            id = "report", type = "create", target = "cluster", items = ["ledger"], depends_on = ["transfer"]
            command = "./report"
        }
    ]
}
""",
    "reindex.k": """\
import workflows

reindex = workflows.WorkflowDef {
    name = "reindex"
    priority = -5
    operations = [
        {
            id = "scan", type = "check", target = "cluster", items = ["part-1", "part-2", "part-3"]
            parallel = False, command = "./scan $ORCH_ITEM", timeout = 600
        }
        {
            id = "swap", type = "update", target = "cluster", items = ["index"], depends_on = ["scan"]
            command = "./swap"
        }
    ]
}
""",
}

#: What becomes of an attempt, by definition, operation, item and attempt: seconds, exit code, output, error output.
#: What is not here takes a few seconds and succeeds.
FATES: dict[tuple[str, str, str, int], tuple[float, int, str, str]] = {
    ("release", "build", "api", 1): (41.2, 0, "gcc -O2 api.c\nimage api:2026.3\n", ""),
    ("release", "build", "web", 1): (63.9, 0, "npm run build\nimage web:2026.3\n", "npm warn deprecated glob@7\n"),
    ("release", "build", "worker", 1): (22.4, 0, "image worker:2026.3\n", ""),
    ("release", "migrate", "database", 1): (12.7, 0, "0041_invoice_tax.sql\n0042_drop_legacy.sql\n", ""),
    ("release", "switch", "fra-1", 1): (8.1, 0, "fra-1 takes traffic\n", ""),
    ("release", "switch", "fra-2", 1): (30.0, 1, "", "fra-2: health check: 503 Service Unavailable\n"),
    ("release", "switch", "fra-2", 2): (9.4, 0, "fra-2 takes traffic\n", ""),
    ("release", "switch", "ams-1", 1): (7.7, 0, "ams-1 takes traffic\n", ""),
    ("hotfix", "switch", "fra-1", 1): (8.4, 0, "fra-1 takes traffic\n", ""),
    ("hotfix", "switch", "fra-2", 1): (31.0, 1, "", "fra-2: no route to host\n"),
    ("hotfix", "switch", "fra-2", 2): (31.0, 1, "", "fra-2: no route to host\n"),
    ("hotfix", "switch", "fra-2", 3): (31.0, 1, "", "fra-2: no route to host\n"),
    ("nightly-backup", "dump", "orders", 1): (95.0, 0, "orders: 18231 rows\n", ""),
    ("nightly-backup", "dump", "customers", 1): (14.0, 1, "", "customers: connection reset by peer\n"),
    ("nightly-backup", "dump", "customers", 2): (58.0, 0, "customers: 4410 rows\n", ""),
    ("nightly-backup", "dump", "invoices", 1): (44.0, 0, "invoices: 9127 rows\n", ""),
    ("nightly-backup", "upload", "archive", 1): (130.0, 0, "uploaded 3 dumps\n", ""),
    ("certificates", "renew", "shop.example", 1): (6.2, 0, "shop.example: valid until 2026-05-31\n", ""),
    ("certificates", "renew", "mail.example", 1): (900.0, 0, "mail.example: waiting for the challenge\n", ""),
    ("certificates", "renew", "git.example", 1): (4.9, 0, "git.example: valid until 2026-05-31\n", ""),
    ("payments", "transfer", "batch-0301", 1): (40.0, 0, "batch-0301: 212 transfers\n", ""),
    ("payments", "transfer", "batch-0302", 1): (4000.0, 0, "batch-0302: begun\n", ""),
    ("cluster-upgrade", "drain", "node-2", 1): (75.0, 0, "evicted 31 pods\n", ""),
    ("cluster-upgrade", "upgrade", "node-1", 1): (88.0, 0, "node-1 is at v1.35\n", ""),
    ("cluster-upgrade", "upgrade", "node-2", 1): (52.0, 1, "", "node-2: kubelet did not come back\n"),
    ("cluster-upgrade", "upgrade", "node-2", 2): (50.0, 1, "", "node-2: kubelet did not come back\n"),
    ("cluster-upgrade", "upgrade", "node-3", 1): (4000.0, 0, "node-3: pulling images\n", ""),
    ("cluster-upgrade", "upgrade", "node-4", 1): (4000.0, 0, "node-4: pulling images\n", ""),
    ("reindex", "scan", "part-1", 1): (210.0, 0, "part-1: 51200 documents\n", ""),
    ("reindex", "scan", "part-2", 1): (300.0, 0, "part-2: 48116 documents\n", ""),
}


class Script(CommandFate):
    """What the script says of an attempt."""

    def __init__(self, takes_s: float, exit_code: int, out: str, err: str) -> None:
        self.exit_code = exit_code
        self.start_us = 2_000
        self.runs_us = int(takes_s * _SECOND)
        self.dies_us = 300_000
        self.is_stubborn = False
        self.out = out
        self.err = err


class Speaking(Process):
    """A process that prints what its script says, as it begins."""

    def claim(self) -> None:
        super().claim()
        if self.state == "running":
            script, launch, files = cast("Script", self.fate), self.launch, self.machine.files
            for stream, text in (("out", script.out), ("err", script.err)):
                path = log_path(launch.data_dir, launch.workflow, launch.log_stem, stream)
                files.append(path, text.encode())


class SpeakingEffect(Effect):
    """Starts processes that speak."""

    process = Speaking


class Host:
    """The machine of the sample. See `orchestrator.runtime.host.Host`."""

    def __init__(self, morning: Morning, life: int) -> None:
        machine = morning.machine
        self.reactor = Reactor(machine, lambda: None)
        self.reactor.ROUNDS_MAX = 10_000_000
        self.waiting: Waiting = self.reactor
        self.disk: Disk = RealDisk(cast("System", machine.files))
        self.clock: Clock = machine
        self.name = "ops-1"
        self.pid = 4000 + life
        self.boot_id = "0b5f6f6e-8a43-4f0e-9d0a-5a3c2f1b7e10"
        self._morning = morning

    def workers(self, name: str, count: int = 1) -> Workers:  # noqa: ARG002 - all take the same
        return Workers(self._morning.machine, self.reactor, lambda: 2_000, count)

    def effect(self, data_dir: str, grace_s: float) -> Effect:  # noqa: ARG002 - the contract's
        return SpeakingEffect(self._morning.machine, self.reactor, self._morning.fate_of)

    def provider_directories(self, data_dir: str) -> Mapping[str, str]:  # noqa: ARG002 - the contract's
        return {}

    def evaluate(self, path: str, **_: object) -> dict[str, Any]:
        return self._morning.reports[path]

    def new_workflow_id(self, name: str) -> str:
        return new_workflow_id(name, self._morning.fate.randbytes)

    def watch_inbox(self, data_dir: str, changed: Callable[[], None]) -> None:  # noqa: ARG002 - the contract's
        self._morning.inbox_changed = lambda: self.reactor.post(changed)
        self.reactor.post(changed)

    def on_end(self, end: Callable[[], None]) -> None:
        pass

    def say(self, text: str) -> None:
        self._morning.said.append(text)


class Morning:
    """From eight to half past eight."""

    def __init__(self) -> None:
        self.machine = Machine(2026)
        self.machine.wall_us = self.machine.files.now_us = BEGIN_US
        self.fate = random.Random(302)
        self.reports = evaluated()
        self.said: list[str] = []
        self.inbox_changed: Callable[[], None] = lambda: None
        self._asked = 0
        self._began_us = self.machine.mono_us

    def live(self) -> dict[str, bytes]:
        """All of it; {path below the data directory: content} at the end."""
        machine = self.machine
        machine.files.make_folders(DATA_DIR)
        for at_s, definition in (
            (0, "backup.k"),
            (20, "release.k"),
            (240, "payments.k"),
            (330, "certificates.k"),
            (900, "hotfix.k"),
            (1100, "reindex.k"),
            (1290, "cluster.k"),
            (1770, "backup.k"),
            (1780, "certificates.k"),
        ):
            self._ask(at_s, "submit", {"path": f"{HOME}/{definition}"})
        self._ask(1160, "submit", {"path": f"{HOME}/backup.k"})
        self._ask(1175, "cancel", "nightly-backup")
        self._ask(1500, "pause", "reindex", now=False)
        self._life(1, until_s=660)
        self._lose_the_transfer()
        self._at(690, lambda: None)
        self._life(2, until_s=1800)
        return self._files()

    def fate_of(self, launch: Launch) -> CommandFate:
        """What becomes of a command."""
        workflow, operation, _, item = launch.task.split(".", 3)
        key = (workflow.rsplit("-", 1)[0], operation, item, launch.attempt)
        if key in FATES:
            return Script(*FATES[key])
        takes_s = 3 + sum(map(ord, operation + item)) % 230 / 10
        return Script(takes_s, 0, f"{operation} {item}: done\n", "")

    def _life(self, number: int, until_s: float) -> None:
        """A daemon, which is killed."""
        host = Host(self, number)
        make_ours(host.disk, DATA_DIR)
        daemon = Daemon(host, DATA_DIR, Settings(max_running=4, stop_grace_s=5.0), until_idle=False)
        self.machine.after(self._at_us(until_s) - self.machine.mono_us, self._kill, in_daemon=True)
        try:
            daemon.run()
        except Crash:
            self.machine.daemon_died()
            self.inbox_changed = lambda: None
            return
        raise AssertionError("\n".join(self.said))

    def _kill(self) -> None:
        raise Crash

    def _lose_the_transfer(self) -> None:
        """While no daemon looks, somebody ends the process of a payment, wrapper and all."""
        for process in self.machine.processes.values():
            if process.launch.task.endswith("batch-0302"):
                assert process.state == "running"
                process.state = "over"

    def _at(self, at_s: float, do: Callable[[], None]) -> None:
        """Let time pass until then."""
        while self.machine.mono_us < self._at_us(at_s):
            self.machine.pass_until(self._at_us(at_s))
        do()

    def _at_us(self, at_s: float) -> int:
        return self._began_us + int(at_s * _SECOND)

    def _ask(self, at_s: float, command: str, what: dict[str, object] | str, **more: object) -> None:
        """Leave a request. `what`: its arguments, or the name of the workflow that is meant, the newest one."""
        self._asked += 1
        key = f"{command}-{self._asked:04}"

        def leave() -> None:
            arguments = what if isinstance(what, dict) else {"workflow": self._newest(what), **more}
            content = request_bytes(key, command, arguments, "ops", self.machine.wall_us, 100.0)
            self.machine.files.put(f"{DATA_DIR}/{INBOX}/{key}.json", content)
            self.inbox_changed()

        self.machine.after(int(at_s * _SECOND) + 50_000, leave)

    def _newest(self, name: str) -> str:
        states = [
            json.loads(content)
            for path, content in self.machine.files.files().items()
            if path.startswith(f"{DATA_DIR}/workflows/{name}-") and path.endswith("/state.json")
        ]
        return str(max(states, key=lambda state: state["created_at"])["id"])

    def _files(self) -> dict[str, bytes]:
        """What stays: no spare files, no answers that nobody waits for, no space kept free at the journal's end."""
        found = {}
        for path, content in self.machine.files.files().items():
            name = path.removeprefix(f"{DATA_DIR}/")
            is_hidden = any(part.startswith(".") for part in name.split("/"))
            if name != path and not is_hidden and not name.startswith((f"{REPLIES}/", f"{INBOX}/")):
                found[name] = content.rstrip(b"\n") + b"\n" if name.startswith(f"{JOURNAL}/") else content
        found[LOCK_FILE] = b"pid 4002, started 2026-03-02T08:11:30.000000Z\n"
        return found


def evaluated() -> dict[str, dict[str, Any]]:
    """{path: the report about it}: the definitions are read where they are now, and told to lie in `HOME`."""
    texts = {**DEFINITIONS, "hotfix.k": DEFINITIONS["release.k"].replace('name = "release"', 'name = "hotfix"')}
    reports = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            path = Path(folder, name)
            path.write_text(text, encoding="utf-8")
            report = validator.evaluate(str(path), want_plan=True)
            assert not report["errors"], report["errors"]
            elsewhere = json.loads(json.dumps(report).replace(folder, HOME))
            reports[f"{HOME}/{name}"] = elsewhere
    return reports


def make() -> dict[str, bytes]:
    """{path below the data directory: content} of the sample."""
    return Morning().live()


def write(folder: Path = SAMPLE) -> None:
    """Write it anew."""
    made = make()
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
