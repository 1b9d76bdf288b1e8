"""The file of an environment: YAML that is laid over a definition's values.

``deploy.prod.yaml`` beside ``deploy.k`` is the layer of the environment ``prod``; another can be named. The file is
read by the evaluator service, which may read it wherever it is, and understood in its child
(`orchestrator.definitions.yaml_text`).
"""

from __future__ import annotations

import os
from typing import NamedTuple

from orchestrator.definitions import regular_file, yaml_text
from orchestrator.definitions.yaml_text import Value, leaves, plain

__all__ = ["LayerFault", "LayerFile", "Value", "find", "leaves", "name_of", "parse", "plain", "text_of"]

#: Bytes of a layer.
LAYER_BYTES_MAX = 1 << 20

#: The file is no layer.
LayerFault = yaml_text.YamlFault


class LayerFile(NamedTuple):
    """A layer as the service found it. `problem` says why there is no content."""

    path: str
    content: bytes = b""
    problem: str = ""


def name_of(definition: str, environment: str) -> str:
    """File name of the layer of `environment` for the definition at that path."""
    return f"{os.path.splitext(os.path.basename(definition))[0]}.{environment}.yaml"


def find(definition: str, environment: str, layer: str | None) -> LayerFile | None:
    """The layer that is meant: the one named, else the environment's; None if that has none.

    A file that is there and cannot be read is a layer with a problem; so is a path that no file can have.
    """
    path = layer
    if path is None:
        if not environment or "/" in environment or "\0" in environment:
            return None
        path = f"{os.path.dirname(definition)}/{name_of(definition, environment)}"
    try:
        return LayerFile(path, regular_file.read(path, LAYER_BYTES_MAX))
    except FileNotFoundError:
        return None if layer is None else LayerFile(path, problem="there is no such file")
    except OSError as error:
        return LayerFile(path, problem=f"it cannot be read: {error.strerror}")


def text_of(file: LayerFile) -> str:
    """What the file says.

    Raises:
        LayerFault: it is too large, or no text.
    """
    if file.problem:
        raise LayerFault(f"the layer cannot be used: {file.problem}", help="Check the path.")
    if len(file.content) > LAYER_BYTES_MAX:
        raise LayerFault(f"the layer is larger than {LAYER_BYTES_MAX >> 10} KiB", help="Say less in it.")
    return yaml_text.decoded(file.content)


def parse(text: str) -> Value:
    """The mapping that a layer is; an empty text is an empty one.

    Raises:
        LayerFault: it is something else, or no YAML.
    """
    found = yaml_text.compose(text)
    if found.content is None:
        return Value({}, found.place, {})
    if not isinstance(found.content, dict):
        raise LayerFault("a layer is a mapping", found.place, "For example: `retry_policy: {max_attempts: 5}`.")
    return found
