"""Installing the example package of `tests/support/thirdparty` as an installer would, without a network."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

THIRD_PARTY = Path(__file__).with_name("thirdparty")


def install(site: Path, distribution: str = "", package: str = "") -> Path:
    """Put the package and its metadata into `site`; the folder of the package.

    Its metadata is that of its pyproject.toml; with `distribution` or `package` under another name.
    """
    with open(THIRD_PARTY / "pyproject.toml", "rb") as file:
        project = tomllib.load(file)["project"]
    name = distribution or project["name"]
    ((group, entries),) = project["entry-points"].items()
    folder = site / (package or "acme_provider")
    shutil.copytree(THIRD_PARTY / "acme_provider", folder)
    info = site / f"{name.replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {project['version']}\n")
    lines = [f"{entry} = {package or value}" for entry, value in entries.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
    return folder
