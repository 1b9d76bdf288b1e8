"""Ids: what they look like, and how a task's id reads back.

An id from outside is checked here before it touches a path (ruling A-40). Workflow, operation and provider
ids hold no dot, so that a task id, which joins them with dots, can be taken apart again; an item may hold dots.
"""

from orchestrator.model.limits import ID_LENGTH_MAX

_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_ID_CHARACTERS = _LETTERS | frozenset("._-")
_RESERVED = frozenset(
    ["con", "prn", "aux", "nul"] + [f"{name}{digit}" for name in ("com", "lpt") for digit in range(1, 10)]
)


def is_safe_id(text: object) -> bool:
    """Whether `text` may be used as one component of a path. Never raises.

    Letters, digits, dot, underscore and hyphen, 1 to 120 of them, first a letter or digit, last not a dot,
    and not a name that some file systems reserve.
    """
    return (
        isinstance(text, str)
        and 0 < len(text) <= ID_LENGTH_MAX
        and text[0] in _LETTERS
        and text[-1] != "."
        and _ID_CHARACTERS.issuperset(text)
        and text.split(".", 1)[0].lower() not in _RESERVED
    )


def is_name_id(text: object) -> bool:
    """Whether `text` may name a workflow, an operation or a provider: a safe id without a dot. Never raises."""
    return is_safe_id(text) and "." not in str(text)


def task_id(workflow: str, operation: str, provider: str, item: str) -> str:
    """The id of a task, ``<workflow>.<operation>.<provider>.<item>``."""
    return f"{workflow}.{operation}.{provider}.{item}"


def split_task_id(task: str) -> "tuple[str, str, str, str]":
    """(workflow, operation, provider, item) of a task id made by `task_id`.

    Raises:
        ValueError: it has fewer than four parts, as ids of foreign directories may.
    """
    parts = task.split(".", 3)
    if len(parts) != 4:
        raise ValueError(f"not a task id of ours: {task!r}")
    return parts[0], parts[1], parts[2], parts[3]


def file_stem(identifier: str) -> str:
    """The file name, without extension, under which `identifier` is kept (ruling A-67).

    The id itself where it is safe, else a hash of it; the file then holds the id.
    """
    if is_safe_id(identifier):
        return identifier
    import hashlib

    return "h-" + hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def slug(name: str, length_max: int = 40) -> str:
    """`name` in lower case with everything but letters and digits as single hyphens; ``workflow`` if empty."""
    cleaned = "".join(c if c in _LETTERS else "-" for c in name.lower())
    return "-".join(part for part in cleaned.split("-") if part)[:length_max].strip("-") or "workflow"
