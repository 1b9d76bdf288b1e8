"""Provider files: YAML that says what a provider runs for each kind of operation (ruling A-68)."""

from __future__ import annotations

import os
from importlib import resources
from typing import TYPE_CHECKING

import msgspec
import yaml

from orchestrator.files.layout import PROVIDERS
from orchestrator.model.errors import UsageError
from orchestrator.model.ids import is_name_id
from orchestrator.plan.declarations import Provider, ProviderFile, declare

if TYPE_CHECKING:
    from collections.abc import Iterator

_FORMAT = 1

#: {path: (inode, size and time of the file as it was read, its provider)}.
_loaded: dict[str, tuple[tuple[int, int, int], Provider]] = {}

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_providers(data_dir: str | None) -> dict[str, Provider]:
    """{provider id: provider}: the built-in ones, then those of ``<data_dir>/providers/*.yaml``, by id.

    A file of the installation takes the place of a built-in provider of the same id.

    Raises:
        UsageError: a file is not what it should be; the message says which, where and why.
    """
    found: dict[str, Provider] = {}
    for path in [*_built_in(), *_installed(data_dir)]:
        provider = load_provider(path)
        found[provider.id] = provider
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
        known = _loaded[path] = (state, _load(path))
    return known[1]


def _load(path: str) -> Provider:
    try:
        with open(path, "rb") as file:
            content = yaml.load(file, Loader=_Loader)  # noqa: S506 - the safe loader, in C
        declared = msgspec.convert(content, ProviderFile)
    except OSError as error:
        raise UsageError(f"Provider file {path} cannot be read: {error.strerror}.") from error
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise UsageError(f"Provider file {path}: {error}") from error
    if declared.format != _FORMAT:
        raise UsageError(f"Provider file {path} has format {declared.format}; this version knows {_FORMAT}.")
    if not is_name_id(declared.provider):
        raise UsageError(f"Provider file {path}: {declared.provider!r} cannot be a provider's id.")
    if declared.batch_size is not None and declared.batch_size < 1:
        raise UsageError(f"Provider file {path}: batch_size must be at least 1, not {declared.batch_size}.")
    return declare(declared, os.path.dirname(path))


def _built_in() -> Iterator[str]:
    root = str(resources.files("orchestrator") / "effects" / "provider")
    for name in sorted(os.listdir(root)):
        path = f"{root}/{name}/provider.yaml"
        if os.path.isfile(path):
            yield path


def _installed(data_dir: str | None) -> list[str]:
    if data_dir is None:
        return []
    folder = f"{data_dir}/{PROVIDERS}"
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [f"{folder}/{name}" for name in names if name.endswith((".yaml", ".yml"))]
