"""What the plugin tells about its commands: names, arguments, types, help."""

from nu_plugin_orch.protocol.value import Values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from nu_plugin_orch.protocol.messages import Wire

    #: A type or shape as the engine writes it: a word, or {word: inner}.
    Shape = str | dict[str, Any]

    #: Code, what it does, and perhaps its result.
    Example = tuple[str, str] | tuple[str, str, Any]

CATEGORY = {"Custom": "orch"}


def positional(name: str, shape: "Shape", description: str) -> "dict[str, Any]":
    """A positional argument."""
    return {"name": name, "desc": description, "shape": shape}


def flag(
    name: str,
    short: "str | None",
    shape: "Shape | None",
    description: str,
    *,
    words: "Sequence[str] | None" = None,
) -> "dict[str, Any]":
    """A named argument; a switch if `shape` is None.

    `words` are offered by Tab. The oldest supported engine passes over them; there the engine asks nothing either.
    """
    found: dict[str, Any] = {"long": name, "short": short, "arg": shape, "required": False, "desc": description}
    if words is not None:
        found["completion"] = {"List": list(words)}
    return found


def table(columns: "dict[str, Shape]") -> "Shape":
    """The type of a table; more columns than these may come."""
    return {"Table": [[name, shape] for name, shape in columns.items()]}


def record(columns: "dict[str, Shape]") -> "Shape":
    """The type of a record; more fields than these may come."""
    return {"Record": [[name, shape] for name, shape in columns.items()]}


def signature(
    name: str,
    description: str,
    *,
    output: "Shape",
    extra: str = "",
    required: "Sequence[dict[str, Any]]" = (),
    optional: "Sequence[dict[str, Any]]" = (),
    flags: "Sequence[dict[str, Any]]" = (),
    search_terms: "Sequence[str]" = (),
    examples: "Sequence[Example]" = (),
) -> "dict[str, Any]":
    """A command that takes no input and gives `output`. `examples`: (code, description), or with a third: its result.

    A result is what data/sample and data/examples of the checkout give; help shows it.
    """
    help_flag = flag("help", "h", None, "Display the help message for this command")
    return {
        "sig": {
            "name": name,
            "description": description,
            "extra_description": extra,
            "search_terms": list(search_terms),
            "required_positional": list(required),
            "optional_positional": list(optional),
            "rest_positional": None,
            "named": [help_flag, *flags],
            "input_output_types": [["Nothing", output]],
            "allow_variants_without_examples": True,
            "is_filter": False,
            "creates_scope": False,
            "allows_unknown_args": False,
            "category": CATEGORY,
        },
        "examples": [
            {"example": code, "description": text, "result": _value(result[0]) if result else None}
            for code, text, *result in examples
        ],
    }


class Duration:
    """A duration as the result of an example."""

    __slots__ = ("nanoseconds",)

    def __init__(self, nanoseconds: int) -> None:
        self.nanoseconds = nanoseconds


def _value(result: "Any") -> "Wire":
    """The result of an example as a value. Help shows it and nothing else, so its span is none of the user's."""
    match result:
        case bool():
            return _VALUES.boolean(result)
        case int():
            return _VALUES.integer(result)
        case str():
            return _VALUES.string(result)
        case Duration():
            return _VALUES.duration(result.nanoseconds)
        case list():
            return _VALUES.list_of([_value(it) for it in result])
        case dict():
            return _VALUES.record({name: _value(it) for name, it in result.items()})
    raise TypeError(f"no example gives a {type(result).__name__}")


#: In the form by name: `plugin add` keeps it in a file that other versions read.
_VALUES = Values({"start": 0, "end": 0}, compact=False)
