"""Where the files of each provider lie, for the daemon that starts its commands."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from orchestrator.definitions.providers import load_providers
from orchestrator.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


#: Seconds between two looks.
LOOK_S = 2.0


class Directories(Mapping[str, str]):
    """{provider id: its folder}, so that a daemon sees what was installed after its start.

    Looked at again when an unknown provider is asked for, and at most every `LOOK_S`, for it is asked at every start of
    an attempt. While a file is wrong or cannot be opened, it is as it was before.
    """

    def __init__(self, data_dir: str) -> None:
        """Raises UsageError: a provider file is not what it should be."""
        self._data_dir = data_dir
        self._found = self._load()
        self._looked_s = time.monotonic()

    def _load(self) -> dict[str, str]:
        return {name: provider.directory for name, provider in load_providers(self._data_dir).items()}

    def _now(self, wanted: str | None = None) -> dict[str, str]:
        now_s = time.monotonic()
        if (wanted is not None and wanted not in self._found) or now_s - self._looked_s >= LOOK_S:
            self._looked_s = now_s
            with suppress(UsageError, OSError):
                self._found = self._load()
        return self._found

    def __getitem__(self, name: str) -> str:
        return self._now(name)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._now())

    def __len__(self) -> int:
        return len(self._now())
