"""Real Nushells of every supported version, away from anybody's own settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLUGIN = Path(sys.executable).with_name("nu_plugin_orch")

#: Every supported version that the registry has, oldest first.
EVERY = tuple(
    sorted(
        (path.name for path in (ROOT / "tools" / "nushell").iterdir()),
        key=lambda version: tuple(map(int, version.split("."))),
    )
)
OLDEST, NEWEST = EVERY[0], EVERY[-1]

#: Versions in which most things are tried: the two ends, and the first that asks plugins what Tab offers.
VERSIONS = (OLDEST, "0.109.1", NEWEST)


def nushell(version: str = NEWEST) -> Path:
    """The executable of `version` that ``make setup`` has installed.

    Raises:
        AssertionError: it is not there.
    """
    path = ROOT / ".tools" / "nu" / version / "node_modules" / "@nushell" / "linux-x64" / "bin" / "nu"
    assert path.exists(), f"{path} is missing: run `make setup`"
    return path


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """An environment with a home folder of its own, without colours and without settings of ours."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORCH_", "NU_"))}
    config = home / ".config" / "nushell"
    config.mkdir(parents=True, exist_ok=True)
    for name in ("env.nu", "config.nu"):  # without them Nushell asks whether to create them
        (config / name).touch()
    own = {"HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"), "XDG_DATA_HOME": str(home / ".local" / "share")}
    return {**kept, **own, "NO_COLOR": "1", "TERM": "dumb", **more}


def run_nu(
    code: str, *, home: Path, version: str = NEWEST, plugin: bool = True, cwd: Path = ROOT, **more: str
) -> subprocess.CompletedProcess[str]:
    """Run `code` as a script of its own; `more` goes into its environment."""
    command = [str(nushell(version)), "--no-config-file", "--no-std-lib"]
    if plugin:
        command += ["--plugins", f"[{PLUGIN}]"]
    return subprocess.run(
        [*command, "--commands", code],
        cwd=cwd,
        env=clean_environment(home, **more),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
