"""Run the daemon of a data directory in the foreground.

What it takes is told here, where completion finds it; what it does is `orchestrator.serve`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `serve` takes, but for the data directory."""
    parser.add_argument("--max-running", type=int, metavar="N", help="tasks at a time, all together (default: 16)")
    parser.add_argument(
        "--provider-limit",
        action="append",
        default=[],
        metavar="NAME=N",
        help="tasks at a time on one provider; may be repeated",
    )
    parser.add_argument("--stop-grace", type=float, metavar="SECONDS", help="between TERM and KILL (default: 10)")
    parser.add_argument("--until-idle", action="store_true", help="end when nothing is left to do")
