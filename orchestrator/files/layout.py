"""Names of everything in a data directory, and the version of its formats.

The picture with a sentence for each entry is in ARCHITECTURE.md, "The data directory". All paths are plain
strings; functions take the data directory first.
"""

from orchestrator.model.ids import file_stem

#: Version of all file formats. A reader takes an unknown minor version and refuses an unknown major one.
FORMAT = "1.3"
FORMAT_MAJOR = 1
FORMAT_MINOR = 3

#: Version of the form of ``tasks/*.json`` and ``workflows/<id>/state.json``, which changes less often.
ROW_FORMAT = "1.0"

FORMAT_FILE = "format.json"
STATUS_FILE = "status.json"
LOCK_FILE = "daemon.lock"
SETTINGS_FILE = "orchestrator.toml"
DAEMON_LOG = "daemon.log"
TASKS = "tasks"
WORKFLOWS = "workflows"
JOURNAL = "journal"
INBOX = "inbox"
QUARANTINE = "quarantine"
REPLIES = "replies"
PROVIDERS = "providers"
TASKSERVS = "taskservs"
ARCHIVE = "archive"
INDEX = "index"
BACKUP = "backup"

#: Inside ``index/``.
TASKS_INDEX = "tasks.jsonl"

#: Inside ``workflows/<id>/``.
PLAN_FILE = "plan.json"
STATE_FILE = "state.json"
CHECKPOINT_FILE = "checkpoint.json"
DEFINITION = "definition"
LOGS = "logs"
ATTEMPTS_FILE = "attempts.log"

DIRECTORY_MODE = 0o700
FILE_MODE = 0o600

#: Width of a segment's number in its file name.
SEGMENT_DIGITS = 6
SEGMENT_SUFFIX = ".jsonl"
SNAPSHOT_SUFFIX = ".snapshot.jsonl"
ARCHIVE_SUFFIX = ".jsonl"


def status_path(data_dir: str) -> str:
    """``status.json``: the daemon's heartbeat, counts and journal position."""
    return f"{data_dir}/{STATUS_FILE}"


def task_path(data_dir: str, stem: str) -> str:
    """``tasks/<stem>.json``; `stem` comes from `orchestrator.model.ids.file_stem`."""
    return f"{data_dir}/{TASKS}/{stem}.json"


def workflow_dir(data_dir: str, workflow: str) -> str:
    """``workflows/<id>``."""
    return f"{data_dir}/{WORKFLOWS}/{workflow}"


def log_stem(operation: str, provider: str, item: str, attempt: int) -> str:
    """Name of an attempt's logs without ``.out`` or ``.err``: ``<operation>.<provider>.<item>.<attempt>``.

    What stands before the attempt is hashed where it is too long or too strange for a file name (A-67).
    """
    return f"{file_stem(f'{operation}.{provider}.{item}')}.{attempt}"


def log_path(data_dir: str, workflow: str, stem: str, stream: str) -> str:
    """``workflows/<id>/logs/<stem>.<out|err>``."""
    return f"{data_dir}/{WORKFLOWS}/{workflow}/{LOGS}/{stem}.{stream}"


def archive_path(data_dir: str, workflow: str) -> str:
    """``archive/<workflow>.jsonl``."""
    return f"{data_dir}/{ARCHIVE}/{workflow}{ARCHIVE_SUFFIX}"


def segment_name(number: int) -> str:
    """``000001.jsonl`` for 1."""
    return f"{number:0{SEGMENT_DIGITS}d}{SEGMENT_SUFFIX}"


def segment_number(name: str) -> "int | None":
    """The number of a segment's file name, None when `name` is not one."""
    return _number(name, SEGMENT_SUFFIX)


def snapshot_name(number: int) -> str:
    """``000007.snapshot.jsonl``: the world before segment 7."""
    return f"{number:0{SEGMENT_DIGITS}d}{SNAPSHOT_SUFFIX}"


def snapshot_number(name: str) -> "int | None":
    """The number of the segment that a snapshot's file name says it precedes, None when `name` is not one."""
    return _number(name, SNAPSHOT_SUFFIX)


def _number(name: str, suffix: str) -> "int | None":
    stem = name[: -len(suffix)]
    if name.endswith(suffix) and len(stem) >= SEGMENT_DIGITS and stem.isascii() and stem.isdigit():
        return int(stem)
    return None
