"""A plugin and an engine, joined by two pipes."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from typing import TYPE_CHECKING

import pytest

from nu_plugin_orch.host import Host
from tests.support.engine import Engine
from tests.support.nushell import PLUGIN

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def plugin_and_engine(*, version: str = "0.115.1", one_byte: bool = False) -> Iterator[Engine]:
    """The plugin's loop in a thread; the engine that it serves. The plugin is over when the engine is."""
    to_plugin, from_engine = os.pipe()
    to_engine, from_plugin = os.pipe()

    def serve() -> None:
        with contextlib.suppress(BrokenPipeError):
            Host(to_plugin, from_plugin).run()
        os.close(from_plugin)

    plugin = threading.Thread(target=serve)
    plugin.start()
    try:
        yield Engine(to_engine, from_engine, version=version, one_byte=one_byte)
    finally:
        os.close(from_engine)
        plugin.join()
        os.close(to_engine)
        os.close(to_plugin)


@pytest.fixture(params=[False, True], ids=["at once", "byte by byte"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An engine that has greeted the plugin; its bytes arrive in one piece, or each for itself."""
    with plugin_and_engine(one_byte=request.param) as opened:
        opened.greet()
        yield opened


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """The plugin, as Nushell starts it."""
    with subprocess.Popen(
        [PLUGIN, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
    ) as started:
        yield started
        started.kill()
