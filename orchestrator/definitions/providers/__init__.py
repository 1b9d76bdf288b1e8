"""Provider files: YAML that says what a provider runs for each kind of operation (ruling A-68).

They come from three places: built in, from installed packages (`plugins`), from the data directory.
"""

from __future__ import annotations

import os
from importlib import resources
from typing import TYPE_CHECKING

from orchestrator.definitions.providers import documents, plugins
from orchestrator.files.layout import PROVIDERS
from orchestrator.model.errors import UsageError
from orchestrator.plan.declarations import Provider, ProviderFile, declare, faults_of_provider

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.plan.declarations import Key

#: Name of the file in a folder or package of a provider.
PROVIDER_FILE = "provider.yaml"

_FORMAT = 1

#: {path: (inode, size and time of the file as it was read, its provider)}.
_loaded: dict[str, tuple[tuple[int, int, int], Provider]] = {}


def load_providers(data_dir: str | None) -> dict[str, Provider]:
    """{provider id: provider}, by id: the built-in ones, those of installed packages, ``<data_dir>/providers/*.yaml``.

    A later one takes the place of an earlier one of the same id.

    Raises:
        UsageError: a file is not what it should be, or two packages or two files of the installation bring the same
            provider; the message says which, where and why.
    """
    found: dict[str, Provider] = {}
    for path in _built_in():
        provider = load_provider(path)
        found[provider.id] = provider
    found |= _of_packages()
    found |= _of_installation(data_dir)
    return dict(sorted(found.items()))


def load_provider(path: str) -> Provider:
    """The provider of one file; a file that did not change is not read again.

    Raises:
        UsageError: the file is not what it should be.
    """
    try:
        found = os.stat(path)
    except OSError as error:
        raise UsageError(f"Provider file {path} cannot be read: {error.strerror}.") from error
    state = (found.st_ino, found.st_size, found.st_mtime_ns)
    known = _loaded.get(path)
    if known is None or known[0] != state:
        file = documents.load(path, ProviderFile, "Provider file", _faults)
        known = _loaded[path] = (state, declare(file, os.path.dirname(path)))
    return known[1]


def folders() -> list[str]:
    """Folders of the built-in providers, then those of installed packages: where their task services lie, too."""
    return [os.path.dirname(path) for path in _built_in()] + [one.folder for one in plugins.installed()]


def _faults(file: ProviderFile) -> Iterator[tuple[Key, str]]:
    if file.format != _FORMAT:
        yield ("format",), f"this is format {file.format}, and this version knows {_FORMAT}"
    yield from faults_of_provider(file)


def _built_in() -> Iterator[str]:
    root = str(resources.files("orchestrator") / "effects" / "provider")
    for name in sorted(os.listdir(root)):
        path = f"{root}/{name}/{PROVIDER_FILE}"
        if os.path.isfile(path):
            yield path


def _of_packages() -> dict[str, Provider]:
    found: dict[str, Provider] = {}
    origins: dict[str, str] = {}
    for plugin in plugins.installed():
        try:
            provider = load_provider(f"{plugin.folder}/{PROVIDER_FILE}")
        except UsageError as error:
            remedy = f"Mend the package, or uninstall it: {plugin.distribution}."
            raise UsageError(f"Package {plugin.distribution}: {error.message}", error.help or remedy) from error
        if provider.id in found:
            raise UsageError(
                f"Packages {origins[provider.id]} and {plugin.distribution} both bring a provider '{provider.id}'.",
                "Uninstall one of them.",
            )
        found[provider.id], origins[provider.id] = provider, plugin.distribution
    return found


def _of_installation(data_dir: str | None) -> dict[str, Provider]:
    found: dict[str, Provider] = {}
    paths: dict[str, str] = {}
    for path in _installed(data_dir):
        provider = load_provider(path)
        if provider.id in found:
            raise UsageError(
                f"{paths[provider.id]} and {path} both are provider '{provider.id}'.",
                "Remove one of them, or give it a name of its own.",
            )
        found[provider.id], paths[provider.id] = provider, path
    return found


def _installed(data_dir: str | None) -> list[str]:
    if data_dir is None:
        return []
    folder = f"{data_dir}/{PROVIDERS}"
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [f"{folder}/{name}" for name in names if name.endswith((".yaml", ".yml"))]
