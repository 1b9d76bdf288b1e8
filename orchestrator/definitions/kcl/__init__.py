"""The KCL front-end. Everything that touches KCL itself runs in the evaluator's child process only."""

from __future__ import annotations

from importlib import resources

#: Name users import.
PACKAGE = "workflows"


def package_dir() -> str:
    """The folder of the schema package, shipped with this one."""
    return str(resources.files(__name__) / "package" / PACKAGE)
