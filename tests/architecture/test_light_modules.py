"""What a second process imports stays cheap: ARCHITECTURE.md, "Light modules"."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Modules of the standard library that cost a person waiting time, or drag in others that do.
HEAVY = frozenset(
    {
        "argparse",
        "asyncio",
        "concurrent",
        "dataclasses",
        "enum",
        "importlib.metadata",
        "inspect",
        "json",
        "logging",
        "multiprocessing",
        "pathlib",
        "re",
        "socket",
        "subprocess",
        "tempfile",
        "typing",
        "urllib",
    }
)


def modules_below(package: str) -> list[str]:
    """Dotted names of every module in `package`, itself included."""
    folder = ROOT.joinpath(*package.split("."))
    names = [path.relative_to(ROOT).with_suffix("").parts for path in sorted(folder.rglob("*.py"))]
    return [".".join(parts).removesuffix(".__init__") for parts in names]


def loaded_by(module: str) -> set[str]:
    """Names in `sys.modules` after `module` was imported by an interpreter that had nothing else to do."""
    site_packages = sysconfig.get_paths()["purelib"]
    program = f"import sys; sys.path += {[str(ROOT), site_packages]!r}; import {module}; print(*sys.modules)"
    # -S: no .pth file of this environment gets to import anything; -I: nor does the user's own environment.
    answer = subprocess.run([sys.executable, "-IS", "-c", program], capture_output=True, text=True, check=True)
    return set(answer.stdout.split())


@pytest.mark.parametrize("module", [*modules_below("orchestrator.model"), *modules_below("orchestrator.files")])
def test_a_light_module_imports_nothing_heavy(module: str) -> None:
    """`model` and `files` load neither heavy parts of the standard library nor any other package."""
    loaded = loaded_by(module)
    assert not loaded & HEAVY
    roots = {name.partition(".")[0] for name in loaded} - {"__main__"}
    assert roots <= sys.stdlib_module_names | {"orchestrator"}


def test_the_plugin_starts_without_anything_heavy() -> None:
    """What Nushell waits for before the first answer: the plugin's own modules and no serialiser but msgpack."""
    loaded = loaded_by("nu_plugin_orch.main")
    assert not loaded & HEAVY
    roots = {name.partition(".")[0] for name in loaded} - {"__main__"}
    assert roots <= sys.stdlib_module_names | {"nu_plugin_orch", "orchestrator", "msgpack"}
