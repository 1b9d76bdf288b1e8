"""How a chain of reasons is said to people: times, numbers, and one or two short sentences."""

from orchestrator.files.fields import instant
from orchestrator.model.times import rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from orchestrator.files.why.facts import Facts

    Link = dict[str, Any]

#: A sentence begins with a capital letter where it begins with one of these, and not with an id or a command.
_BEGINNINGS = (
    *("no daemon ", "the daemon ", "workflow ", "operation "),
    *("wait", "another ", "nothing ", "when ", "look ", "make ", "its ", "ask ", "the next "),
)

#: Reasons of a workflow that are named in its sentence; the table has more.
_NAMED_MAX = 2


def sentence_of_chain(facts: "Facts", front: "Sequence[Link]", chain: "Sequence[Link]") -> str:
    """What holds up everything (`front`), then the subject and its root; what to do about the root otherwise."""
    own = said(chain[0])
    if len(chain) > 1:
        own += f"; {said(chain[-1])}"
    if front:
        return f"{_front(front)} {sentence(own)}"
    return f"{sentence(own)}{_remedy(facts, chain[-1])}"


def sentence_of_reasons(
    facts: "Facts", workflow: str, front: "Sequence[Link]", reasons: "Sequence[Link]", others: int
) -> str:
    """The same of a workflow that is not over, with the first of its `reasons`; `others` are not among them."""
    named = "; ".join(f"{said(row)}{_alike(row)}" for row in reasons[:_NAMED_MAX])
    left = len(reasons[_NAMED_MAX:]) + others
    named += f"; and {count(left, 'other reason')}" if left else ""
    if front:
        return f"{_front(front)} {sentence(named)}".rstrip()
    running = sum(row["kind"] == "running" for row in reasons)
    lead = "goes on" if running == len(reasons) else "goes on in part" if running else "waits"
    return f"{sentence(f'workflow {workflow} {lead}: {named}')}{_remedy(facts, reasons[0])}"


def until_resolved(verb: str, tasks: "Sequence[str]") -> str:
    """What a forecast cannot know: when somebody says how `tasks` ended, which are ``unknown``; "" for none."""
    if not tasks:
        return ""
    first, others = tasks[0], len(tasks) - 1
    named = f"{first} and {count(others, 'other')}" if others else first
    ask = f"{verb} resolve {first} --as succeeded (or --as failed)"
    return f"Nothing behind {named} goes on, and the time does not count, until somebody says how it ended: {ask}."


def sentence(words: str) -> str:
    """`words` with a full stop, and a capital letter where it does no harm."""
    if words.startswith(_BEGINNINGS):
        words = f"{words[:1].upper()}{words[1:]}"
    return f"{words}." if words else ""


def said(row: "Link") -> str:
    """What a link says, with what it says it of."""
    subject = subject_of(row)
    return f"{subject} {row['what']}" if subject else str(row["what"])


def subject_of(row: "Link") -> str:
    """What a link is about, for people; "" for what concerns the whole directory."""
    if row["task"]:
        return str(row["task"])
    if row["operation"]:
        return f"operation {row['operation']}"
    return f"workflow {row['workflow']}" if row["workflow"] else ""


def colon(text: str) -> str:
    """`text` behind a colon, nothing for nothing."""
    return f": {text}" if text else ""


def count(number: int, what: str) -> str:
    """``1 task``, ``2 tasks``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def clock(at: "str | None", now_us: int) -> str:
    """A time as it is said on the same day, ``12:00:05Z``, with the day otherwise; "" for none."""
    at_us = instant(at)
    if at_us is None:
        return ""
    day, _, rest = rfc3339(at_us).partition("T")
    short = f"{rest[:8]}Z"
    return short if rfc3339(now_us).startswith(day) else f"{day} {short}"


def moment(at: str, now_us: int) -> str:
    """``12:00:05Z, in 12 s``. What is left of a second counts as one."""
    left_s = -((now_us - (instant(at) or now_us)) // 1_000_000)
    return f"{clock(at, now_us)}, {f'in {span(left_s)}' if left_s > 0 else 'which is now'}"


def span(seconds: int) -> str:
    """``12 s``, ``3 min 5 s``, ``2 h 10 min``, ``3 d 4 h``."""
    for larger, many, smaller, few in (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1)):
        if seconds >= many:
            rest = seconds % many // few
            return f"{seconds // many} {larger}" + (f" {rest} {smaller}" if rest else "")
    return f"{seconds} s"


def quoted(path: str) -> str:
    """`path` as a shell takes it for one word."""
    if path and all(c.isalnum() or c in "/._-+=:@%" for c in path):
        return path
    return "'" + path.replace("'", "'\\''") + "'"


def _front(front: "Sequence[Link]") -> str:
    remedy = f" ({front[0]['unblocks']})"
    return sentence("; ".join(said(row) for row in front) + remedy)


def _alike(row: "Link") -> str:
    return f" (and {row['count'] - 1} more)" if row["count"] > 1 else ""


def _remedy(facts: "Facts", row: "Link") -> str:
    """What to do about `row`; of what has ended, when that was and where its log is, too."""
    if row["kind"] != "ended":
        return f" {sentence(row['unblocks'])}" if row["unblocks"] else ""
    parts = [f"it ended at {clock(row['since'], facts.now_us)}"] if row["since"] else []
    parts += [f"its log is {row['log']}"] if row["log"] else []
    words = "; ".join(parts)
    told = f" {words[:1].upper()}{words[1:]}." if words else ""
    return f"{told} To go on: {row['unblocks']}." if row["unblocks"] else told
