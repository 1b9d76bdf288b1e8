"""Providers that installed packages bring, by the entry point group ``orchestrator.providers``.

An entry point's value names a package that holds ``provider.yaml``. No code of it is run: the folder is looked up, not
imported. What is installed is only read again after a folder of ``sys.path`` has changed, so that a service that
runs for long sees what was installed meanwhile, and a look costs a few microseconds.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import msgspec

from orchestrator.model.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import Distribution, EntryPoint

GROUP = "orchestrator.providers"

#: A folder that changed so recently may change again without a newer time; it is not remembered yet.
_SETTLED_NS = 2_000_000_000


class Plugin(msgspec.Struct, frozen=True):
    """A package that brings a provider: name and version of its distribution, name of its entry point, its folder."""

    distribution: str
    name: str
    folder: str


class _Seen:
    """What was found, and the state of the folders it was found in."""

    state: tuple[tuple[str, int], ...] | None = None
    plugins: tuple[Plugin, ...] = ()


_seen = _Seen()


def installed() -> tuple[Plugin, ...]:
    """Every plug-in of the installation, by distribution and name.

    Raises:
        UsageError: an entry point names no package that could be found, or what a package says cannot be read.
    """
    state = tuple((folder, _changed(folder)) for folder in sys.path)
    if state != _seen.state:
        _seen.plugins = tuple(sorted(_scan(), key=lambda one: (one.distribution, one.name)))
        newest = max((changed for _, changed in state), default=0)
        _seen.state = state if time.time_ns() - newest > _SETTLED_NS else None
    return _seen.plugins


def _changed(folder: str) -> int:
    try:
        return os.stat(folder or ".").st_mtime_ns
    except OSError:
        return 0


def _scan() -> list[Plugin]:
    import importlib.metadata  # takes long, and most processes never come here twice

    importlib.invalidate_caches()
    found: dict[str, list[Plugin]] = {}
    for distribution in importlib.metadata.distributions():
        try:
            name = distribution.metadata["Name"] if _has_entry_points(distribution) else None
            if name is not None and name not in found:  # the first one of a name is the one that is imported
                found[name] = _plugins(name, distribution)
        except UsageError:
            raise
        except Exception as error:  # what others have written is parsed by a library that expects it to be right
            raise UsageError(
                f"Package {_called(distribution)}: what it says of itself cannot be read: {error}.",
                "Mend the package, or uninstall it.",
            ) from error
    return [plugin for plugins in found.values() for plugin in plugins]


def _plugins(name: str, distribution: Distribution) -> list[Plugin]:
    return [
        Plugin(f"{name} {distribution.version}", entry.name, _folder(distribution, entry))
        for entry in distribution.entry_points
        if entry.group == GROUP
    ]


def _has_entry_points(distribution: Distribution) -> bool:
    """Whether it may have some for us; a file that is no text is read as far as it is one."""
    try:
        return GROUP in (distribution.read_text("entry_points.txt") or "")
    except UnicodeDecodeError as error:
        return GROUP.encode() in error.object


def _called(distribution: Distribution) -> str:
    """Its name as far as it has one, else the name of its folder."""
    try:
        name = distribution.metadata["Name"]
    except Exception:  # noqa: BLE001 - as in _scan
        name = None
    return name or os.path.basename(str(getattr(distribution, "_path", "of an unknown name")))


def _folder(distribution: Distribution, entry: EntryPoint) -> str:
    """The folder of the package that `entry` names, found without running any of it."""
    import importlib.util

    package = entry.value.strip()
    parts = package.split(".")
    if all(part.isidentifier() for part in parts):
        beside = str(distribution.locate_file("/".join(parts)))
        if os.path.isdir(beside):
            return os.path.abspath(beside)
        spec = importlib.util.find_spec(parts[0])  # an editable installation; the rest would import the parent
        for location in (spec and spec.submodule_search_locations) or ():
            folder = "/".join([location, *parts[1:]])
            if os.path.isdir(folder):
                return os.path.abspath(folder)
    raise UsageError(
        f"Package {distribution.metadata['Name']} {distribution.version}: its entry point '{entry.name}' of {GROUP} "
        f"names '{package}', and there is no such package.",
        "The value must be the name of a package, such as acme_provider, which holds provider.yaml.",
    )
