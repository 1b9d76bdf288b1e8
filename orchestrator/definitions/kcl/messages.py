"""What KCL says, in plain words and as diagnostics.

KCL reports compile-time faults as a SARIF document, all at once; an evaluation-time fault (a failed check, an
assertion) as one result of such a document. Both come here.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from orchestrator.definitions import diagnostics
from orchestrator.definitions.kcl import PACKAGE, syntax
from orchestrator.definitions.kcl.positions import Place
from orchestrator.expression.near import distance, nearest

if TYPE_CHECKING:
    from orchestrator.definitions.diagnostics import Diagnostic, Text

_SUGGESTION = re.compile(r",? did you mean '\[(?P<words>.*?)\]'\??")
_ALTERNATIVES = re.compile(r"^expected (?P<types>.+), got (?P<got>.+)$")
_LITERAL = re.compile(r"^str\((?P<word>.*)\)$")
_NO_MODULE = re.compile(r"Cannot find the module (?P<name>[\w.]+)")
_QUOTED = re.compile(r"'(?P<word>[^']{1,100})'")
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

#: Advice that does not apply: packages are not downloaded.
_MUTED = ("Suggestions",)


def from_sarif(document: str, text: Text) -> list[Diagnostic]:
    """The diagnostics of a SARIF document; of its bare text if it is none."""
    try:
        results = json.loads(document)["runs"][0]["results"]
    except (ValueError, KeyError, IndexError, TypeError):
        return [diagnostics.make("KCL-E3M38", plain(document), text)]
    results = [result for result in results if result.get("ruleId") not in _MUTED]
    told = [_diagnostic(result, text) for result in results]
    told = _with_imports_mended(syntax.essential(told, [plain(_own_words(result)) for result in results]))
    return [one for one in told if not (one["code"] == "KCL-E2F04" and one["message"].startswith("pkgpath "))] or told


def _with_imports_mended(told: list[Diagnostic]) -> list[Diagnostic]:
    """`told` with the remedy at the import that failed, and not at the use: KCL suggests the name that is not there."""
    missing = [found["name"] for one in told if (found := _NO_MODULE.match(one["message"]))]
    useless = {f"Did you mean {name!r}?" for name in missing}
    for one in told:
        found = _NO_MODULE.match(one["message"])
        if found and not one["help"] and nearest(found["name"], [PACKAGE]):
            one["help"] = f"Did you mean `import {PACKAGE}`?"
        elif one["help"] in useless:
            one["help"] = ""
    return told


def plain(text: str) -> str:
    """`text` without colours and without the box that KCL draws around it."""
    return " ".join(_ANSI.sub("", text).split())[:500]


def _diagnostic(result: dict[str, Any], text: Text) -> Diagnostic:
    message, help_text = _reworded(_own_words(result))
    place, path = _location(result)
    if path and path != text.path:
        found = diagnostics.make(f"KCL-{result['ruleId']}", message, text, None, help=help_text)
        return found | {"file": path} | _bare(place)
    return diagnostics.make(f"KCL-{result['ruleId']}", message, text, place, help=help_text)


def _own_words(result: dict[str, Any]) -> str:
    return str(result["message"]["text"].split("; related:")[0])


def _bare(place: Place | None) -> dict[str, Any]:
    if place is None:
        return {}
    return {
        "line": place.line,
        "column": place.column + 1,
        "end_line": place.end_line,
        "end_column": place.end_column + 1,
    }


def _location(result: dict[str, Any]) -> tuple[Place | None, str]:
    locations = result.get("locations") or [{}]
    physical = locations[0].get("physicalLocation") or {}
    region = physical.get("region") or {}
    path = (physical.get("artifactLocation") or {}).get("uri") or ""
    if "startLine" not in region:
        return None, path
    line, column = region["startLine"], max(region.get("startColumn", 1) - 1, 0)
    end_line = region.get("endLine") or line
    end_column = max((region.get("endColumn") or column + 1) - 1, 0)
    return Place(line, column, end_line, end_column), path


def _reworded(message: str) -> tuple[str, str]:
    """(message in plain words, help)."""
    message = plain(message)
    told = syntax.reworded(message)
    if told is not None:
        return told
    suggestion = _SUGGESTION.search(message)
    if suggestion:
        member = re.match(r"Cannot add member '(?P<name>.*?)' to schema '(?P<schema>.*?)'", message)
        what = f"{member['schema']} has no attribute '{member['name']}'" if member else _SUGGESTION.sub("", message)
        return what, _nearest_first(what, suggestion["words"])
    member = re.match(r"Cannot add member '(?P<name>.*?)' to schema '(?P<schema>.*?)'", message)
    if member:
        return f"{member['schema']} has no attribute '{member['name']}'", ""
    expected = _ALTERNATIVES.match(message)
    if expected:
        return _expectation(expected["types"], expected["got"]), ""
    return message, ""


def _nearest_first(message: str, listed: str) -> str:
    """Help with the words that KCL suggests, which are in no order: the nearest first, without what is no name."""
    given = _QUOTED.search(message)
    words = [word for word in re.findall(r"[\"'](.*?)[\"']", listed) if word.isidentifier()]
    if given:
        words.sort(key=lambda word: distance(given["word"], word))
    return f"Did you mean {', '.join(map(repr, words))}?" if words else ""


def _expectation(types: str, got: str) -> str:
    words = [_LITERAL.match(part.strip()) for part in types.split("|")]
    literal = _LITERAL.match(got)
    shown = f"'{literal['word']}'" if literal else got
    if all(words):
        return f"{shown} is not one of {', '.join(word['word'] for word in words if word)}"
    return f"expected {types}, got {shown}"
