"""The schema package without its demands, for seeing values that do not meet them.

A failed check stops KCL at the first problem, without values. The second look uses the same schemas with no
checks and no required attributes, so that every problem can be found at once in what the file says. They take
attributes that they do not have, too (`fields` finds those). They are made from the strict ones, so that the two cannot
drift apart.
"""

from __future__ import annotations

import os
import re

_ATTRIBUTE = re.compile(r"^(    [a-z]\w*): ([^=]+)$")

#: A schema's head and its docstring, after which its attributes begin.
_HEAD = re.compile(r'^(schema \w+:\n    """.*?"""\n)', re.MULTILINE | re.DOTALL)

_ANYTHING_ELSE = "    [...str]: any\n"


def without_demands(source: str) -> str:
    """`source` with every attribute optional, any other allowed, and without checks and the names only checks use."""
    kept: list[str] = []
    in_check = in_text = False
    for line in source.split("\n"):
        in_check = (in_check or line == "    check:") and (not line or line.startswith("    "))
        if in_check or line.startswith("    _"):
            continue
        quoted = line.count('"""') % 2 == 1
        attribute = None if in_text or quoted else _ATTRIBUTE.match(line)
        kept.append(f"{attribute[1]}?: {attribute[2]}" if attribute else line)
        in_text ^= quoted
    text = _HEAD.sub(rf"\1{_ANYTHING_ELSE}", "\n".join(kept))
    return text if "regex." in text else text.replace("import regex\n", "")


def write_package(strict: str, target: str) -> None:
    """Make the package in folder `strict` into one without demands in the new folder `target`."""
    os.makedirs(target, mode=0o700)
    for name in os.listdir(strict):
        if name.endswith("_test.k"):
            continue
        with open(f"{strict}/{name}", encoding="utf-8") as file:
            text = file.read()
        with open(f"{target}/{name}", "w", encoding="utf-8") as file:
            file.write(without_demands(text) if name.endswith(".k") else text)
