"""What a template turns into text is the same everywhere, and never Python's word for nothing (R1-71)."""

from __future__ import annotations

import itertools
import json
import os
import random
import re
import subprocess
import sys

import pytest

from orchestrator.definitions.shape.fault import RenderFault
from orchestrator.definitions.shape.sandbox import Engine, _Environment

VALUES = {
    "text": "a b",
    "number": 7,
    "point": 1.5,
    "nothing": None,
    "names": ["a", "b"],
    "gaps": ["a", None],
    "keys": {"one": 1, "two": None, "three": ["x"], "four": {"five": 5}},
    "rows": [{"n": "a", "v": None}, {"n": "b", "v": 1}],
}

#: What may be turned into text, or must not.
OPERANDS = (
    *(f"values.{name}" for name in VALUES),
    *("none", "'%s'", "'{0}'", "7", "range(3)", "joiner", "joiner(',')", "cycler('a')", "namespace(a=1)"),
    *("values.names | map('upper')", "values.gaps | map('string')", "values.rows | map(attribute='v')", "loop"),
    *("values.names | select", "values.names | batch(1)", "values.keys.items()", "values.keys.keys()", "self", "here"),
    *("values.keys.keys() - values.rows[0].keys()", "values.text.upper", "'x'.encode()", "here()", "'<' | e", "caller"),
    *("['{0}', '%s'] | map('format', values.nothing)", "values.rows | groupby('n')", "'<' | safe", "values | tojson"),
)

#: Ways to turn X into text.
WAYS = (
    *("X", "X ~ ''", "'a' ~ (X)", "'%s' % (X)", "'%s' % (X,)", "'%(a)s' % {'a': X}", "'%r' % [X]", "'%s' % {'a': X}"),
    *("'{0}'.format(X)", "'{a}'.format(a=X)", "'{0!r}'.format(X)", "'{a}'.format_map({'a': X})", "'{0:>9}'.format(X)"),
    *("'%s' | format(X)", "'%(a)s' | format(a=X)", "[X] | join", "['a', 'b'] | join(X)", "[{'a': X}] | join(',', 'a')"),
    *("'axa' | replace('x', X)", "'a' | replace(X, 'b')", "{'a': X} | urlencode", "[[X, 1]] | urlencode"),
    *("[X] | string", "('a' | safe) ~ (X)", "('%s' | safe) % (X)", "(',' | safe).join([X])", "('%s' | e) | format(X)"),
    *(
        "(X) | tojson",
        "('{0}' | tojson).format(X)",
        "('a' | safe).replace('a', X)",
        "('a' | safe) + (X)",
        "[X] | unique | join",
    ),
    *("[X] | map('string') | join", "[X] | map('e') | join", "('%a'.encode() % (X)).decode()"),
)

PROGRAM = f"""
import json, sys
from {__name__} import outcomes
print(json.dumps(outcomes(json.load(sys.stdin))))
"""


def templates() -> list[str]:
    """Every operand in every way and through every filter, and chance compositions of them."""
    names = sorted(_Environment({}).filters)
    made = [way.replace("X", operand) for way, operand in itertools.product(WAYS, OPERANDS)]
    made += [f"({operand}) | {name}" for name, operand in itertools.product(names, OPERANDS)]
    dice = random.Random(1)
    for _ in range(600):
        text = dice.choice(OPERANDS)
        for _ in range(dice.randint(2, 4)):
            way = dice.choice((dice.choice(WAYS), f"(X) | {dice.choice(names)}", "[X, X]", "(X) | list", "(X) | first"))
            text = way.replace("X", text)
        made.append(text)
    head = "{% macro here() %}m{% endmacro %}{% macro call() %}{{ caller() }}{% endmacro %}{% for _ in [1] %}"
    return [f"{head}{{% call call() %}}{{{{ {one} }}}}{{% endcall %}}{{% endfor %}}" for one in made]


def outcomes(texts: list[str]) -> list[str]:
    """The text that each template makes, or the code of its fault."""
    found = []
    for text in texts:
        try:
            found.append("=" + Engine({}).item(text, {"values": VALUES}))
        except RenderFault as fault:
            found.append(fault.code)
    return found


def in_a_process(texts: list[str], seed: str) -> list[str]:
    """`outcomes` in an interpreter of its own."""
    command = [sys.executable, "-c", PROGRAM]
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run(command, input=json.dumps(texts), env=environment, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(done.stdout)
    return found


def test_the_same_template_and_values_make_the_same_text() -> None:
    """Whatever process looks; no text shows an object or null, but that of JSON."""
    texts = templates()
    one, other = in_a_process(texts, "1"), in_a_process(texts, "2")
    assert [(text, *both) for text, *both in zip(texts, one, other, strict=True) if both[0] != both[1]] == []
    assert sum(each.startswith("=") for each in one) > len(texts) / 10
    odd = re.compile(r"0x[0-9a-f]{6}|\bnone\b|<(class|function|generator)", re.IGNORECASE)
    assert [(text, each) for text, each in zip(texts, one, strict=True) if odd.search(each)] == []


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("{{ values.names | map('upper') | join(',') }}", "A,B"),
        ("{{ values.rows | join('-', attribute='n') }}", "a-b"),
        ("{{ 'n=' ~ values.number ~ true }}", "n=7True"),
        ("{{ '%s-%02d' % (values.text, 3) }} {{ '%(one)d' % values.keys }} {{ 7 % 4 }} {{ 7 - 4 }}", "a b-03 1 3 3"),
        ("{{ '{0}/{keys[one]:>3}'.format('x', keys=values.keys) }}", "x/  1"),
        ("{{ '{one}'.format_map(values.keys) }}", "1"),
        ("{{ '%s %d' | format('x', 3) }} {{ 'a' | replace('a', 'b') }}", "x 3 b"),
        ("{{ '<' | e }} {{ '<' | safe }} {{ values.gaps | tojson }}", '&lt; < ["a", null]'),
        ("{{ {'a': 'b c'} | urlencode }} {{ 'b c' | urlencode }} {{ [['a', 1]] | urlencode }}", "a=b+c b%20c a=1"),
        ("{{ 2.345 | round(2, 'floor') }} {{ values.nothing | default('-', true) }} {{ ' x ' | trim }}", "2.34 - x"),
    ],
)
def test_what_has_a_text_is_shown(text: str, made: str) -> None:
    """Nothing that has one is refused."""
    assert outcomes([text]) == [f"={made}"]


@pytest.mark.parametrize(
    ("text", "message", "help_text"),
    [
        ("\n{{ '--n=' ~ values.nothing }}", "the value is null", "Say what stands for it: `| default('...', true)`."),
        ("\n{{ values.gaps | join }}", "the value is null", "Say what stands for it: `| default('...', true)`."),
        ("\n{{ 'a' ~ values.names | select }}", "a sequence has no text", "Use a filter: `| join(' ')` or `| tojson`."),
        ("\n{{ '%s' % values.names }}", "a list has no text", "Use a filter: `| join(' ')` or `| tojson`."),
        ("\n{{ '%s' % values.keys }}", "a mapping has no text", "Use a filter: `| join(' ')` or `| tojson`."),
        ("\n{{ '%s' | format(a=1) }}", "a mapping has no text", "Use a filter: `| join(' ')` or `| tojson`."),
        ("\n{{ 'a' ~ values.text.upper }}", "a function has no text", "Is it a function that has to be called?"),
        ("\n{{ 1 | round(300000000, 'ceil') }}", "a number cannot be rounded to more than 300 digits", ""),
        ("\n{% autoescape true %}{% endautoescape %}", "a command is no HTML: there is no autoescape", ""),
    ],
)
def test_what_has_no_text_is_told_with_a_remedy(text: str, message: str, help_text: str) -> None:
    """At its line."""
    with pytest.raises(RenderFault) as caught:
        Engine({}).item(text, {"values": VALUES})
    assert (caught.value.message, caught.value.help, caught.value.line) == (message, help_text, 2)
