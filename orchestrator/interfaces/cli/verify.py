"""Hold every task and workflow file against the journal. Reads only; works beside a running daemon.

The exit code is 0 if every file is what the journal makes it, 1 if not, 74 if the journal itself is damaged. A file
that shows an earlier record than the newest is late, which is no fault.

Examples:
  orchestrator verify
"""

from __future__ import annotations

import sys

from orchestrator.interfaces.cli.output import clean, data_dir, print_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `verify` takes."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Replay and compare."""
    from orchestrator.store.realdisk import RealDisk
    from orchestrator.store.verify import verify

    result = verify(RealDisk(), data_dir(options))
    faults = [finding for finding in result.findings if finding.is_fault]
    if options.json:
        found = [{"kind": one.kind, "path": one.path, "message": one.message} for one in result.findings]
        told = {"seq": result.seq, "files": result.files, "faults": len(faults), "findings": found}
        print_json({**told, "help": result.remedy or None})
    else:
        for one in result.findings:
            sys.stdout.write(clean(f"{one.kind}  {one.path}: {one.message}") + "\n")
        what = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        verdict = what if faults else "all as the journal says"
        sys.stdout.write(f"{result.files} files, {result.seq} records: {verdict}\n")
        if result.remedy:
            sys.stdout.write(f"{result.remedy}\n")
    return 1 if faults else 0
