"""What is said of words that somebody took for a status (ruling A-24): the same sentence in every command."""

from orchestrator.files.rows import CORRUPT
from orchestrator.model.states import TASK_STATUS_ALIASES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def unknown_statuses(given: "Iterable[str]", what: str, known: "Sequence[str]") -> "list[tuple[str, str]]":
    """(sentence, help) for each of the words `given` that no `what` can have; `known` are those that one can."""
    found = []
    for word in given:
        if word in known or word == CORRUPT:
            continue
        lower = word.lower()
        alias = lower if lower in known else TASK_STATUS_ALIASES.get(lower)
        if alias in known:
            found.append((f"No {what} has status `{word}`; the word here is `{alias}`.", ""))
            continue
        several = word.replace(",", " ").split()
        if len(several) > 1 and all(part in known for part in several):
            found.append((f"No {what} has status `{word}`.", _as_list(several)))
            continue
        from orchestrator.files.near import near

        hint = near(word, list(known))
        found.append((f"No {what} has status `{word}`.", f"{hint}Statuses are {', '.join(known)}."))
    return found


def _as_list(words: "Sequence[str]") -> str:
    repeated = " ".join(f"--status {word}" for word in words)
    return f"Several are a list in Nushell, --status [{' '.join(words)}], and elsewhere {repeated}."


def told_of(given: "Iterable[str]", what: str, known: "Sequence[str]") -> "list[str]":
    """As `unknown_statuses`, in one sentence after the other: for warnings."""
    return [" ".join(filter(None, pair)) for pair in unknown_statuses(given, what, known)]
