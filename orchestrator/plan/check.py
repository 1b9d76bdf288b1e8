"""Structural faults of a definition, all at once, whatever notation it was written in.

The input is the definition's raw values: the JSON of a ``WorkflowDef``, with anything missing or mistyped. Each fault
names the place by its path in these values; a front-end turns that into a place in the user's own text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from orchestrator.model.ids import is_name_id
from orchestrator.model.limits import PRIORITY_MAX, PRIORITY_MIN
from orchestrator.plan import graph, resources
from orchestrator.plan.fault import Fault, did_you_mean, word
from orchestrator.plan.ir import Backoff, OnFailure, OperationTarget, OperationType, WorkflowType

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from orchestrator.plan.declarations import Provider
    from orchestrator.plan.fault import Path, Raw

#: Stores that exist. The schema knows more words than this version has (ruling A-16).
STATE_STORES = ("file",)

_ITEM_LENGTH_MAX = 200

#: What helps with a timeout that is none.
_IN_SECONDS = "It is a number of seconds."

_KINDS: dict[type, str] = {str: "text", dict: "block", list: "list", int: "number", float: "number", bool: "flag"}

#: {list of a workflow: (what one of its elements is called, its kind)}.
_ELEMENTS: dict[str, tuple[str, type]] = {
    "operations": ("operation", dict),
    "dependencies": ("dependency", dict),
    "templates": ("template", str),
    "assume_installed": ("assumed task service", str),
}


def check(raw: Raw, providers: Mapping[str, Provider]) -> list[Fault]:
    """The faults of `raw`, warnings included, in the order of the definition.

    Lists are looked through for elements that are not of their kind (null, above all). Whatever such an element hides
    is only seen once it is mended: dependencies are judged together, and not while one of them is none.
    """
    operations = _operations(raw)
    misfits = list(_misfits(raw))
    return [
        *_workflow(raw),
        *misfits,
        *(fault for index, one in operations for fault in _operation(one, ("operations", index), raw, providers)),
        *_ids(operations),
        *_edges(operations),
        *_against_the_sequence(raw, operations),
        *(() if any(fault.path[0] == "dependencies" for fault in misfits) else resources.check(raw, len(providers))),
        *_without_effect(raw),
    ]


def _operations(raw: Raw) -> list[tuple[int, Raw]]:
    operations = raw.get("operations")
    listed = operations if isinstance(operations, list) else []
    return [(index, one) for index, one in enumerate(listed) if isinstance(one, dict)]


def _misfits(raw: Raw) -> Iterator[Fault]:
    """Elements of lists that are not of their kind: whatever looks at them afterwards would stumble."""
    for key, (said, kind) in _ELEMENTS.items():
        listed = raw.get(key)
        for index, one in enumerate(listed if isinstance(listed, list) else []):
            if not isinstance(one, kind):
                message = f"{said} number {index + 1} is {_called(one)}"
                help_text = f"It has to be a {_KINDS[kind]}: write one, or remove it."
                yield Fault("WF101", (key, index), message, help_text)


def _called(value: object) -> str:
    """What a value of the wrong kind is, in a word or two: never itself, which may be a secret."""
    return "null" if value is None else f"a {_KINDS.get(type(value), 'value')}"


def _workflow(raw: Raw) -> Iterator[Fault]:
    if not isinstance(raw.get("name"), str) or not str(raw["name"]).strip():
        yield Fault("WF101", ("name",), "the workflow has no name", 'Add `name = "..."`.')
    if not isinstance(raw.get("operations"), list):
        yield Fault("WF101", (), "the workflow has no operations", "Add `operations = [...]`.")
    elif not raw["operations"]:
        yield Fault("WF102", ("operations",), "the list of operations is empty", "A workflow needs an operation.")
    yield from word(raw, ("type",), get_args(WorkflowType))
    yield from _priority(raw, ())
    yield from _retry(raw.get("retry_policy"), ("retry_policy",))
    store = (raw.get("monitoring") or {}).get("state_store", "file")
    if store not in STATE_STORES:
        yield Fault(
            "WF117",
            ("monitoring", "state_store"),
            f"there is no state store '{store}' in this version",
            f"Stores that exist: {', '.join(STATE_STORES)}.",
        )


def _operation(one: Raw, path: Path, raw: Raw, providers: Mapping[str, Provider]) -> Iterator[Fault]:
    name = one.get("id")
    said = f"operation '{name}'" if name else f"operation number {int(path[-1]) + 1}"
    for key in ("id", "type", "target", "items"):
        if one.get(key) is None:
            yield Fault("WF101", path, f"{said} has no {key}", f"Add `{key} = ...`.")
    if name is not None and not is_name_id(name):
        yield Fault(
            "WF108",
            (*path, "id"),
            f"'{name}' cannot be an operation's id",
            "Use letters, digits, hyphens and underscores, at most 120 of them, beginning with a letter or digit.",
        )
    yield from word(one, (*path, "type"), get_args(OperationType))
    yield from word(one, (*path, "target"), get_args(OperationTarget))
    yield from word(one, (*path, "on_failure"), get_args(OnFailure))
    yield from _items(one, path, said)
    timeout = one.get("timeout", 300)
    if isinstance(timeout, int) and timeout <= 0:
        yield Fault("WF105", (*path, "timeout"), f"{said}: the timeout must be positive, not {timeout}", _IN_SECONDS)
    yield from _priority(one, path)
    yield from _retry(one.get("retry_policy"), (*path, "retry_policy"))
    yield from _env(one, path, said)
    yield from _providers(one, path, raw, providers, said)


def _items(one: Raw, path: Path, said: str) -> Iterator[Fault]:
    items = one.get("items")
    if not isinstance(items, list):
        return
    if not items:
        yield Fault(
            "WF104",
            (*path, "items"),
            f"{said} has no items and will do nothing",
            "Remove it, or list items.",
            "warning",
        )
    first: dict[str, int] = {}
    for index, item in enumerate(items):
        place = (*path, "items", index)
        if not isinstance(item, str) or not _is_item(item):
            what = "An item is a name: up to 200 printable characters without slashes, not '.' or '..'."
            yield Fault("WF109", place, f"{said}: {item!r} cannot be an item", what)
        elif item.casefold() in first:
            other = items[first[item.casefold()]]
            how = "twice" if other == item else f"beside '{other}', which differs only in case"
            related = (("first here", (*path, "items", first[item.casefold()])),)
            yield Fault("WF110", place, f"{said} lists item '{item}' {how}", "Items must differ.", related=related)
        else:
            first[item.casefold()] = index


def _is_item(item: str) -> bool:
    return (
        0 < len(item) <= _ITEM_LENGTH_MAX
        and item.isprintable()
        and item == item.strip()
        and "/" not in item
        and item not in (".", "..")
        and not item.startswith("-")
    )


def _env(one: Raw, path: Path, said: str) -> Iterator[Fault]:
    for key, value in (one.get("env") or {}).items():
        place = (*path, "env", key)
        if not (key.isascii() and key.isidentifier()):
            message = f"{said}: {key!r} cannot be an environment variable"
            yield Fault("WF118", place, message, "Name it like a variable of the shell.")
        elif key.startswith("ORCH_"):
            yield Fault("WF118", place, f"{said}: variables that begin with ORCH_ are set by the orchestrator", "")
        elif not isinstance(value, str):
            help_text = "Write a text, in quotes; leave the variable out if it has no value."
            yield Fault("WF118", place, f"{said}: the value of {key} is {_called(value)}, not a text", help_text)
        elif "\0" in value:
            yield Fault("WF118", place, f"{said}: the value of {key} holds a NUL character", "Remove it.")
    for key in ("command", "rollback_command", "working_dir"):
        if "\0" in str(one.get(key) or ""):
            yield Fault("WF119", (*path, key), f"{said}: {key} holds a NUL character", "Remove it.")
    if one.get("command") is not None and not str(one["command"]).strip():
        yield Fault("WF119", (*path, "command"), f"{said}: the command is empty", "Leave it out, or say what to run.")
    if one.get("rollback_command") and not one.get("command"):
        yield Fault(
            "WF119",
            (*path, "rollback_command"),
            f"{said} has a rollback_command but no command",
            "Without a command the provider does both; remove it or add a command.",
        )


def _providers(one: Raw, path: Path, raw: Raw, providers: Mapping[str, Provider], said: str) -> Iterator[Fault]:
    named = one.get("providers") or []
    if not named and raw.get("provider_agnostic") is False and not one.get("command"):
        yield Fault(
            "WF114",
            path,
            f"{said} names no provider, and the workflow is not provider_agnostic",
            f"Add `providers = [...]`. Configured are: {', '.join(providers)}.",
        )
    for index, name in enumerate(named):
        place = (*path, "providers", index)
        if one.get("command"):
            if not is_name_id(name):
                yield Fault("WF108", place, f"'{name}' cannot be a provider's id", "Like an operation's id.")
        elif name not in providers:
            yield Fault("WF115", place, f"there is no provider '{name}'", did_you_mean(name, providers))
    if len({str(name).casefold() for name in named}) < len(named):
        yield Fault("WF110", (*path, "providers"), f"{said} lists a provider twice", "Remove one.")
    if one.get("command"):
        return
    for name in named or providers:
        provider = providers.get(name)
        action = (one.get("type"), one.get("target"))
        if provider is not None and all(action) and action not in provider.actions:
            yield Fault(
                "WF116",
                path,
                f"provider '{name}' cannot {action[0]} a {action[1]}",
                "Give the operation a command of its own, or other providers.",
            )


def _priority(raw: Raw, path: Path) -> Iterator[Fault]:
    value = raw.get("priority", 0)
    if not isinstance(value, int) or not PRIORITY_MIN <= value <= PRIORITY_MAX:
        yield Fault("WF113", (*path, "priority"), f"the priority must lie between {PRIORITY_MIN} and {PRIORITY_MAX}")


def _retry(policy: object, path: Path) -> Iterator[Fault]:
    if not isinstance(policy, dict):
        return
    attempts, initial, most = (
        policy.get("max_attempts", 3),
        policy.get("initial_delay", 5),
        policy.get("max_delay", 300),
    )
    rules: tuple[tuple[str, Callable[[], bool], str], ...] = (
        (
            "max_attempts",
            lambda: attempts >= 1,
            f"max_attempts must be at least 1, not {attempts}; it counts the first",
        ),
        ("initial_delay", lambda: initial >= 0, f"initial_delay must not be negative, it is {initial}"),
        ("max_delay", lambda: most >= initial, f"max_delay {most} is below initial_delay {initial}"),
    )
    for key, holds, message in rules:
        if not holds():
            yield Fault("WF112", (*path, key), message)
    yield from word(policy, (*path, "backoff"), get_args(Backoff))


def _ids(operations: list[tuple[int, Raw]]) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for index, one in operations:
        name = one.get("id")
        if not isinstance(name, str):
            continue
        key = name.casefold()
        if key in first:
            place: Path = ("operations", first[key], "id")
            yield Fault(
                "WF103",
                ("operations", index, "id"),
                f"there is another operation '{name}'",
                "Ids must be unique in a workflow, also when upper and lower case are the same.",
                related=(("first here", place),),
            )
        first.setdefault(key, index)


def _edges(operations: list[tuple[int, Raw]]) -> Iterator[Fault]:
    known = {one["id"]: index for index, one in reversed(operations) if isinstance(one.get("id"), str)}
    for index, one in operations:
        seen: dict[object, int] = {}
        for position, needed in enumerate(one.get("depends_on") or []):
            place: Path = ("operations", index, "depends_on", position)
            if needed == one.get("id"):
                yield Fault("WF111", place, f"operation '{needed}' depends on itself", "Remove it.")
            elif needed not in known:
                help_text = did_you_mean(needed, [name for name in known if name != one.get("id")])
                yield Fault("WF106", place, f"there is no operation '{needed}'", help_text)
            elif needed in seen:
                yield Fault("WF110", place, f"operation '{one.get('id')}' names '{needed}' twice", "Remove one.")
            seen.setdefault(needed, position)
    yield from _cycles(operations, known)


def _against_the_sequence(raw: Raw, operations: list[tuple[int, Raw]]) -> Iterator[Fault]:
    """Dependencies on later operations of a sequential workflow: each would wait for the other."""
    if raw.get("type") != "sequential":
        return
    known = {one["id"]: index for index, one in reversed(operations) if isinstance(one.get("id"), str)}
    for index, one in operations:
        for position, needed in enumerate(one.get("depends_on") or []):
            if known.get(needed, index) > index:
                yield Fault(
                    "WF107",
                    ("operations", index, "depends_on", position),
                    f"operation '{one.get('id')}' waits for '{needed}', which a sequential workflow runs after it",
                    "List them in the order in which they depend on each other, or choose another type.",
                    related=((f"'{needed}'", ("operations", known[needed], "id")),),
                )


def _cycles(operations: list[tuple[int, Raw]], known: Mapping[str, int]) -> Iterator[Fault]:
    by_index = dict(operations)
    edges = {
        name: [needed for needed in by_index[index].get("depends_on") or [] if needed in known and needed != name]
        for name, index in sorted(known.items(), key=lambda entry: entry[1])
    }
    for cycle in graph.cycles(edges):
        last = by_index[known[cycle[-1]]]
        place: Path = ("operations", known[cycle[-1]], "depends_on", last["depends_on"].index(cycle[0]))
        yield Fault(
            "WF107",
            place,
            f"operations wait for each other: {' -> '.join([*cycle, cycle[0]])}",
            "Remove one of these dependencies.",
            related=tuple((f"'{name}'", ("operations", known[name], "id")) for name in cycle),
        )


#: (path, default): attributes that are accepted and pinned, and that nothing acts upon yet.
_WITHOUT_EFFECT: tuple[tuple[Path, object], ...] = (
    (("secrets",), None),
    (("logging", "level"), "info"),
    (("logging", "destinations"), ["file", "stdout"]),
    (("logging", "format"), "json"),
    (("logging", "path"), "./logs/workflows"),
    (("monitoring", "enabled"), True),
    (("monitoring", "metrics_endpoint"), "/metrics"),
    (("monitoring", "telemetry"), None),
)


def paths_without_effect() -> list[Path]:
    """Where in a workflow's values those attributes are."""
    return [path for path, _ in _WITHOUT_EFFECT]


def _without_effect(raw: Raw) -> Iterator[Fault]:
    for path, default in _WITHOUT_EFFECT:
        value: Any = raw
        for part in path:
            value = value.get(part) if isinstance(value, dict) else None
        if value is not None and value != default:
            named = ".".join(str(part) for part in path)
            instead = "it is only kept with the workflow" if default in (None, []) else f"expect {default!r}"
            help_text = f"Nothing acts upon it yet: {instead}."
            yield Fault("WF201", path, f"{named} has no effect in this version", help_text, "warning")
