"""A record of the journal as a reader takes it: what it may rely on, whoever wrote the line (requirement F14).

The daemon checks more, its own checksum above all (`orchestrator.store.recover`); a reader that follows does not read
what was before. It looks at the kinds of the fields that it computes with.
"""

from orchestrator.files import document
from orchestrator.model.errors import JournalDamaged

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Records that begin a segment, and tell the epoch: of a daemon's life, and of each further segment of it.
TELL_EPOCH = ("DaemonStarted", "JournalContinued")

_TEXT_OR_NONE = (str, type(None))

#: Digits of a seq.
_DIGITS_MAX = 18

#: How a record begins, and what stands before its checksum, which is its end.
SEQ_KEY = b'{"seq":'
_SUM_KEY = b',"sum":"'
_TAIL_BYTES = len(_SUM_KEY) + 16 + len(b'"}')


def parse_record(line: bytes) -> "dict[str, Any]":
    """The record in `line`. Raises JournalDamaged."""
    try:
        record = document.loads(line)
        fault = _fault_of(record)
    except RecursionError:
        fault = "it is nested too deeply"
    except ValueError as error:
        fault = f"it is no JSON: {error}"
    if fault:
        raise _damaged(fault)
    found: dict[str, Any] = record
    return found


def is_whole(line: bytes) -> bool:
    """Whether `line` ends as a record does; else it was torn, or is being written."""
    return line.endswith(b'"}') and line[-_TAIL_BYTES:].startswith(_SUM_KEY)


def seq_of(line: bytes) -> int:
    """The seq of a record, without a look at the rest. Raises JournalDamaged."""
    digits = line[len(SEQ_KEY) : max(0, line.find(b",", 0, len(SEQ_KEY) + _DIGITS_MAX + 1))]
    if not (line.startswith(SEQ_KEY) and digits.isdigit()):
        raise _damaged("it does not begin with its seq")
    return int(digits)


def _fault_of(record: "Any") -> str:
    """What is wrong, "" if nothing is."""
    if not isinstance(record, dict):
        return "it is no object"
    for name, kind in (("seq", int), ("time", str), ("event", str), ("data", dict), ("transitions", list)):
        if not isinstance(record.get(name), kind):
            return f"its `{name}` is not what it should be"
    if not isinstance(record.get("workflow"), _TEXT_OR_NONE):
        return "its `workflow` is not what it should be"
    if record["event"] in TELL_EPOCH and type(record["data"].get("epoch")) is not int:
        return "its epoch is not a number"
    return "" if all(map(_is_transition, record["transitions"])) else "a transition is not what it should be"


def _is_transition(found: "Any") -> bool:
    if not isinstance(found, list) or len(found) < 5:
        return False
    task, previous, status, attempt, reason = found[:5]
    return (
        isinstance(task, _TEXT_OR_NONE)
        and isinstance(previous, _TEXT_OR_NONE)
        and isinstance(status, str)
        and type(attempt) is int
        and isinstance(reason, _TEXT_OR_NONE)
    )


def _damaged(what: str) -> JournalDamaged:
    return JournalDamaged(f"A record of the journal cannot be read: {what}", "orchestrator verify tells more.")
