"""Which of the names that there are somebody may have meant."""

#: From which on they are near; ids of tasks of one workflow are all a little alike.
_LIKENESS = 0.8


def near(given: str, known: "list[str]") -> str:
    """A sentence and a blank that name what of `known` may be meant by `given`; "" if nothing is near."""
    from difflib import get_close_matches

    found = [name for name in known if name.startswith(given)][:3] or get_close_matches(given, known, 3, _LIKENESS)
    return f"Did you mean {' or '.join(found)}? " if found else ""
