"""Settings of a daemon: ``orchestrator.toml`` in the data directory, overridden by flags of ``serve``."""

from __future__ import annotations

import errno
import os
import stat
import tomllib
from typing import Annotated

import msgspec

from orchestrator.files.layout import SETTINGS_FILE
from orchestrator.model.errors import UsageError
from orchestrator.model.ids import is_name_id
from orchestrator.model.limits import MAX_RUNNING_DEFAULT, STOP_GRACE_S

_AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]


class ProviderSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[providers.<id>]``. `max_running`: tasks at a time on this provider, None for no limit of its own."""

    max_running: _AtLeastOne | None = None


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All settings with their defaults.

    Attributes:
        max_running: tasks at a time, all together.
        stop_grace_s: seconds between TERM and KILL of an attempt that has to stop.
        providers: {provider id: its settings}.
        retention_days: days that a finished workflow keeps its own files before it is archived; None for what each
            workflow says (its ``logging.retention_days``, 30 by default).
        retention_workflows: finished workflows that keep their own files; the oldest beyond are archived.
        segment_bytes: size at which a segment of the journal is followed by another.
        journal_keep_bytes: of older segments, kept for looking back.
    """

    max_running: _AtLeastOne = MAX_RUNNING_DEFAULT
    stop_grace_s: Annotated[float, msgspec.Meta(ge=0)] = STOP_GRACE_S
    providers: dict[str, ProviderSettings] = {}
    retention_days: Annotated[int, msgspec.Meta(ge=0)] | None = None
    retention_workflows: Annotated[int, msgspec.Meta(ge=0)] = 1000
    segment_bytes: Annotated[int, msgspec.Meta(ge=1024)] = 64 << 20
    journal_keep_bytes: Annotated[int, msgspec.Meta(ge=0)] = 256 << 20

    @property
    def provider_limits(self) -> dict[str, int]:
        """{provider id: tasks at a time}, of those that have a limit."""
        return {name: own.max_running for name, own in sorted(self.providers.items()) if own.max_running is not None}


def load(data_dir: str) -> Settings:
    """The settings of `data_dir`; the defaults without a file.

    Raises:
        UsageError: the file is no TOML, or holds what no setting is; the message says where.
    """
    path = f"{data_dir}/{SETTINGS_FILE}"
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            return msgspec.convert(tomllib.load(file), Settings)
    except FileNotFoundError:
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", "Make it a text file that you may read.") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        known = ", ".join(Settings.__struct_fields__)
        raise UsageError(f"{path}: {error}", f"Settings are: {known}.") from error


def _open_without_waiting(path: str, flags: int) -> int:
    """A FIFO in the place of the file is not waited for. Raises OSError."""
    fd = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(fd).st_mode):
        return fd
    os.close(fd)
    raise OSError(errno.EINVAL, "it is not a regular file")


def override(settings: Settings, changes: dict[str, object], limits: dict[str, int]) -> Settings:
    """`settings` with what the command line says: `changes` by field, `limits` by provider id.

    Raises:
        UsageError: a value is out of bounds.
    """
    values: dict[str, object] = {**msgspec.to_builtins(settings), **changes}
    own = {name: msgspec.to_builtins(provider) for name, provider in settings.providers.items()}
    values["providers"] = own | {name: {"max_running": limit} for name, limit in limits.items()}
    try:
        return msgspec.convert(values, Settings)
    except msgspec.ValidationError as error:
        raise UsageError(str(error)) from error


def parse_limit(text: str) -> tuple[str, int]:
    """(provider id, limit) of ``NAME=N``.

    Raises:
        UsageError: it has another form.
    """
    name, _, number = text.partition("=")
    if not is_name_id(name) or not number.isascii() or not number.isdigit():
        raise UsageError(f"--provider-limit {text!r} is not NAME=N.", "For example: --provider-limit local=4")
    return name, int(number)
