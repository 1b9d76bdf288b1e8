"""What a request asks for, with the files that the service reads for it: the child may not look for them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from orchestrator.definitions import regular_file
from orchestrator.definitions.kcl.folders import module_root
from orchestrator.definitions.kcl.wanted import Wanted
from orchestrator.definitions.providers import load_providers
from orchestrator.definitions.shape import layers
from orchestrator.definitions.taskservs import load_taskservs, machine
from orchestrator.model.errors import NotFound
from orchestrator.model.limits import DEFINITION_BYTES_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping


def wanted_of(request: Mapping[str, Any], package: str, lax: str) -> Wanted:
    """What the child is to look at.

    Raises:
        NotFound: the definition cannot be read.
        OrchestratorError: a layer, or a file of the installation, cannot be used.
    """
    path, data_dir = request["path"], request["data_dir"]
    environment = request.get("environment") or ""
    source = _read(path)
    providers, services = load_providers(data_dir), load_taskservs(data_dir)
    return Wanted(
        path,
        source,
        package,
        lax,
        providers,
        request["options"],
        request["name"],
        request["strict"],
        request["want_plan"],
        request.get("simulate"),
        environment=environment,
        layer=layers.find(path, environment, request.get("layer")),
        resolved=bool(request.get("resolved")),
        check=bool(request.get("check")),
        dry_run=bool(request.get("dry_run")),
        services=services,
        machine=machine.measure(data_dir or os.path.dirname(path)),
    )


def readable(wanted: Wanted) -> list[str]:
    """The folders that the child may read."""
    return [wanted.package, wanted.lax, module_root(os.path.dirname(wanted.path))]


def digest_of(wanted: Wanted) -> str:
    """The definition that is looked at, as `orchestrator.files.asking.digest` names it."""
    import hashlib

    return "sha256:" + hashlib.sha256(wanted.source).hexdigest()


def _read(path: str) -> bytes:
    """The definition, one byte more than allowed at most: what is too large is told as such later."""
    try:
        return regular_file.read(path, DEFINITION_BYTES_MAX)
    except OSError as error:
        help_text = "Check the path." if isinstance(error, FileNotFoundError) else "Check its mode and its owner."
        raise NotFound(f"Definition {path} cannot be read: {error.strerror}.", help_text) from error
