"""The words that stand in a line while somebody presses Tab, as the engine's parser has them: a form of its own.

Only what is written out is taken: strings, paths, numbers and lists of them. What would have to be evaluated
(variables, subexpressions) and what is of another form than it is now are passed over: less is narrowed then.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    #: {long name of a flag, or position: the words that are given for it}
    Typed: TypeAlias = Mapping[str | int, list[str]]

#: Lists in lists are none.
_DEPTH_MAX = 3


def typed_words(call: object) -> "dict[str | int, list[str]]":
    """The words of the call for which something is offered. Never raises.

    `call`: the field of that name in the engine's message.
    """
    found: dict[str | int, list[str]] = {}
    try:
        arguments = call["call"]["arguments"]  # type: ignore[index]
        position = 0
        for argument in arguments:
            ((kind, what),) = argument.items()
            if kind == "Positional":
                found[position] = _words(what, 0)
                position += 1
            elif kind == "Named" and what[2] is not None:
                found.setdefault(what[0]["item"], []).extend(_words(what[2], 0))
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        pass
    return {name: words for name, words in found.items() if words}


def _words(expression: "Any", depth: int) -> "list[str]":
    """The words of one expression, none of one that is not written out."""
    ((kind, what),) = expression["expr"].items()
    if kind in ("String", "RawString"):
        return [str(what)]
    if kind in ("Directory", "Filepath", "GlobPattern"):
        return [str(what[0])]
    if kind == "Int":
        return [str(what)]
    if depth < _DEPTH_MAX and kind == "FullCellPath" and not what["tail"]:
        return _words(what["head"], depth + 1)
    if depth < _DEPTH_MAX and kind == "List":
        return [word for entry in what if "Item" in entry for word in _words(entry["Item"], depth + 1)]
    return []
