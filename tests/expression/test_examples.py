"""What expressions come to, one example each."""

from __future__ import annotations

import sys
import types

import pytest

from orchestrator.expression import (
    FUNCTIONS,
    EvaluationFault,
    Expression,
    ExpressionFault,
    evaluate,
    holds,
    parse,
    unknown_names,
)
from orchestrator.expression.near import nearest
from orchestrator.expression.parser import DEPTH_MAX
from orchestrator.expression.syntax import written

DATA: dict[str, object] = {
    "operations": {
        "create": {"status": "succeeded", "codes": [0, 0, 3], "__class__": "a key"},
        "install-k8s": {"status": "running", "output": {"version": "1.29"}, "error": None},
    },
    "servers": [{"name": "web-1", "cpus": 4}, {"name": "db-1", "cpus": 16}],
    "tags": ("prod", "eu"),
    "which": "create",
    "n": 3,
    "yes": True,
    "nothing": None,
    "_private": 1,
    "count": 7,
    "zeros": [0],
    "backwards": {"c": {"x": 3}, "b": {"x": 2}, "a": {"x": 1}},
}

VALUES: list[tuple[str, object]] = [
    # literals
    ("1", 1),
    ("-1", -1),
    ("-0", 0),
    ("1.5", 1.5),
    ("-1.5e-3", -0.0015),
    ("2E+2", 200.0),
    ("'a\"b'", 'a"b'),
    ('"a\'b"', "a'b"),
    (r"'\\\'\"\/\n\t\r\b\f\u00e9'", "\\'\"/\n\t\r\b\fé"),
    ("'ä €'", "ä €"),
    ("true", True),
    ("True", True),
    ("false", False),
    ("False", False),
    ("null", None),
    ("None", None),
    ("[]", []),
    ("[1, [true], 'a',]", [1, [True], "a"]),
    (" \t\r\n( 1 )\n", 1),
    # access
    ("n", 3),
    ("count", 7),
    ("_private", 1),
    ("operations.create.status", "succeeded"),
    ('operations["install-k8s"].output.version', "1.29"),
    ("operations[which].status", "succeeded"),
    ("(operations).create['status']", "succeeded"),
    ("operations.create.__class__", "a key"),
    ("operations.create.codes[2]", 3),
    ("operations.create.codes[-1]", 3),
    ("operations.create.codes[n]", None),
    ("operations.create.codes[-4]", None),
    ("operations.nowhere", None),
    ("operations.nowhere.status[0].x", None),
    ("nothing.x", None),
    ("tags[0]", "prod"),
    ("[1, 2][1]", 2),
    ("pluck(servers, 'name')[0]", "web-1"),
    ("tags", ["prod", "eu"]),
    ("operations.create.in", None),
    # comparison
    ("1 == 1.0", True),
    ("1 == '1'", False),
    ("true == 1", False),
    ("null == false", False),
    ("null == nothing", True),
    ("nothing != null", False),
    ("[1, 2] == [1, 2.0]", True),
    ("[1, 2] == [1]", False),
    ("[1, true] == [1, 1]", False),
    ("tags == ['prod', 'eu']", True),
    ("servers[0] == servers[0]", True),
    ("servers[0] != servers[1]", True),
    ("servers[0] == operations.create", False),
    ("1 < 2", True),
    ("2 <= 2.0", True),
    ("2 > 2", False),
    ("3 >= 2", True),
    ("'a' < 'b'", True),
    ("'Z' < 'a'", True),
    ("'a' >= 'ab'", False),
    ("9007199254740993 > 9007199254740992.0", True),
    ("'eu' in tags", True),
    ("'us' in tags", False),
    ("'us' not in tags", True),
    ("1 in [true, '1']", False),
    ("1 in [1.0]", True),
    ("[1] in [[1]]", True),
    ("null in [nothing]", True),
    ("'ro' in 'prod'", True),
    ("'create' in operations", True),
    ("'nowhere' not in operations", True),
    # logic
    ("not false", True),
    ("not not true", True),
    ("not 1 == 2", True),
    ("true or false and false", True),
    ("(true or false) and false", False),
    ("not true or true", True),
    ("true and true and false", False),
    ("false or false or true", True),
    ("false and nothing > 1", False),
    ("true or nothing > 1", True),
    ("yes == (not false)", True),
    # functions
    ("exists(n)", True),
    ("exists(nowhere)", False),
    ("exists(nowhere.x[0])", False),
    ("exists(nothing)", True),
    ("exists(nothing.x)", False),
    ("exists(operations['install-k8s'].error)", True),
    ("exists(operations[which].codes[2])", True),
    ("exists(tags.x)", False),
    ("exists(n.x)", False),
    ("exists(operations[0])", False),
    ("default(nothing, 1)", 1),
    ("default(false, 1)", False),
    ("default(operations.nowhere.status, 'pending')", "pending"),
    ("len('äö')", 2),
    ("len(operations)", 2),
    ("lower('ÄB')", "Äb"),
    ("upper('ßa')", "ßA"),
    ("trim('\\t a b\\n')", "a b"),
    ("trim('\\u00a0')", "\u00a0"),
    ("split('a,,b', ',')", ["a", "", "b"]),
    ("split('', ',')", [""]),
    ("startswith('ab', '')", True),
    ("startswith('ab', 'b')", False),
    ("endswith('ab', 'b')", True),
    ("contains('abc', 'bc')", True),
    ("contains(operations, 'create')", True),
    ("contains([1], true)", False),
    ("matches_glob('a/b', '*')", True),
    ("matches_glob('', '')", True),
    ("matches_glob('', '?')", False),
    ("matches_glob('web-1', 'web-?')", True),
    ("matches_glob('Web-1', 'web-?')", False),
    ("matches_glob('a*', 'a\\\\*')", True),
    ("matches_glob('ab', 'a\\\\*')", False),
    ("matches_glob('[a]', '[a]')", True),
    ("number('-1.5e2')", -150.0),
    ("number(n)", 3),
    ("text(n)", "3"),
    ("text(1.5)", "1.5"),
    ("text(-0.0)", "0"),
    ("text(1e15)", "1000000000000000"),
    ("text(1e16)", "1e+16"),
    ("text(1e300)", "1e+300"),
    ("text(true)", "true"),
    ("text(null)", "null"),
    ("text('a')", "a"),
    ("min(3, 1, 2)", 1),
    ("min('b', 'a')", "a"),
    ("min(['b', 'a'])", "a"),
    ("max([1])", 1),
    ("max(1, 2.5)", 2.5),
    ("any([])", False),
    ("any([false, true])", True),
    ("all([])", True),
    ("all([true, false])", False),
    ("count([1, 1.0, true, '1'], 1)", 2),
    ("count(pluck(operations, 'status'), 'running')", 1),
    ("pluck(operations, 'status')", ["succeeded", "running"]),
    ("pluck(backwards, 'x')", [1, 2, 3]),
    ("pluck(servers, 'nowhere')", [None, None]),
]


@pytest.mark.parametrize(("text", "value"), VALUES, ids=[text for text, _ in VALUES])
def test_an_expression_has_the_value(text: str, value: object) -> None:
    """Of the same type as well: 1 is not true."""
    found = evaluate(parse(text), DATA)
    assert found == value
    assert type(found) is type(value)


FAULTS = [
    ("operatons.x", 'nothing is called "operatons" here; did you mean "operations"?'),
    ("default(nowhere, 1)", 'nothing is called "nowhere" here'),
    ("n.x", "`n` is a number, which has no keys"),
    ("which[0]", "`which` is a text, which has no elements"),
    ("operations.create.codes.x", "`operations.create.codes` is a list, and is asked for an element by a whole number"),
    ("operations.create[0]", "`operations.create` is a mapping, and is asked for a key by a text"),
    ("operations[nothing]", "`nothing` is null; an index is a text or a whole number; default("),
    ("tags[1.5 == 1]", "`1.5 == 1` is a boolean; an index"),
    ("tags[max(0.5, 0)]", "`max(0.5, 0)` is a number with a fraction; an index"),
    ("exists(operations[nothing])", "an index is a text or a whole number"),
    ("n < 'a'", '< compares two numbers or two texts, but `n` is a number and `"a"` is a text'),
    ("nothing < 1", "`nothing` is null and `1` is a number; default("),
    ("1 > nothing", "default("),
    ("true < false", "but `true` is a boolean and `false` is a boolean"),
    ("n and true", '"and" needs true or false, and `n` is a number'),
    ("false or nothing", '"or" needs true or false, and `nothing` is null; default(…, false)'),
    ("not which", '"not" needs true or false, and `which` is a text'),
    ("1 in 'a'", '"in" looks for anything in a list'),
    ("1 not in operations", '"not in" looks for'),
    ("1 in nothing", "default(…, [])"),
    ("len(n)", "len() needs a text, a list or a mapping, not a number"),
    ("lower(nothing)", "lower() needs a text, not null; default("),
    ("split('a', '')", "separator that is not empty"),
    ("matches_glob(n, '*')", "matches_glob() needs a text, not a number"),
    ("contains('1', 1)", "contains() needs a text, not a number"),
    ("contains(1, 1)", "contains() needs a text, a list or a mapping"),
    ("number(' 1')", "trim() takes away blanks"),
    ("number('1e999')", "a text that is no number"),
    ("number(true)", "number() needs a text, not a boolean"),
    ("text(tags)", "text() is not made for a list"),
    ("min([])", "min() of an empty list has no value"),
    ("max(1, 'a')", "max() compares numbers or texts, all of one kind, but is given a number, a text"),
    ("max(true, false)", "all of one kind, but is given a boolean"),
    ("min(1)", "min() needs a list, not a number"),
    ("any([true, 1])", "any() needs a list of booleans, not a number"),
    ("all([false, null])", "all() needs a list of booleans, not null"),
    ("pluck(tags, 'x')", "pluck() needs a list or a mapping of mappings, not a text"),
    ("pluck(n, 'x')", "pluck() needs a list, not a number"),
]


@pytest.mark.parametrize(("text", "message"), FAULTS, ids=[text for text, _ in FAULTS])
def test_an_evaluation_ends_with_the_fault(text: str, message: str) -> None:
    """Which names the kinds, the part, and the remedy where there is one."""
    with pytest.raises(EvaluationFault) as caught:
        evaluate(parse(text), DATA)
    assert message in caught.value.message


REFUSED: list[tuple[str, str, str, str | None]] = [
    # text, the part that is meant, message, help
    ("a = b", "=", "there is no assignment", "== compares"),
    ("a === b", "===", "there is no ===", "== compares, and it never converts"),
    ("a !== b", "!==", "there is no !==", "!= compares, and it never converts"),
    ("a <> b", "<>", "there is no <>", "write !="),
    ("a && b", "&&", "there is no &&", "write and"),
    ("a || b", "||", "there is no ||", "write or"),
    ("!a", "!", "there is no !", "write not"),
    ("a ≠ b", "≠", "there is no ≠", "write !="),
    ("a AND b", "AND", "AND is no word of expressions", "write and"),
    ("a Not in b", "Not", "Not is no word of expressions", "write not"),
    ("a is b", "is", "there is no is", "== compares"),
    ("a b", "b", 'the expression is complete before "b"', "and, or or a comparison joins two parts"),
    ("a 'b'", "'b'", "an operator is missing before 'b'", "as in a == 'b'"),
    ("a + 1", "+", "there is no arithmetic in expressions", None),
    ("a -1", "-", "there is no arithmetic in expressions", None),
    ("(a) -1", "-", "there is no arithmetic in expressions", None),
    ("x.a-b.c", "a-b", "a - cannot stand in a name, and there is no arithmetic in expressions", 'x["a-b"]'),
    ("a-b-c == 1", "a-b-c", "a - cannot stand in a name, and there is no arithmetic in expressions", 'x["a-b-c"]'),
    ("1 < b < 3", "<", "comparisons cannot be chained", "write both with and, such as a < b and b < c"),
    ("a == not b", "not", "not cannot stand right behind ==", "write x == (not y)"),
    ("a.0", "0", "a number is no key", "an element of a list is asked for as x[0]"),
    ("a.'b'", "'b'", "a key has to follow the dot", 'any other key is asked for as x["the key"]'),
    ("a.", "", "a key has to follow the dot", 'any other key is asked for as x["the key"]'),
    ("a[]", "]", 'a value is expected here, not "]"', None),
    ("a[null]", "[", "an index is a text or a whole number", None),
    ("a.b(1)", "(", "only a function can be called", "a function stands before what it works on, as in lower(x.y)"),
    ("lenn(a)", "lenn", "there is no function lenn()", 'did you mean "len"?'),
    ("zzzzzz(a)", "zzzzzz", "there is no function zzzzzz()", f"known are {', '.join(FUNCTIONS)}"),
    ("len()", "len", "len() is given 0 arguments", "write len(value)"),
    ("len(a, b)", "len", "len() is given 2 arguments", "write len(value)"),
    ("exists('a')", "exists", "exists() asks about a path", "a path is a name with keys behind it, as in exists(x.y)"),
    ("(a", "(", "the ( has no closing )", None),
    ("[a, ", "[", "the [ has no closing ]", None),
    ("len(a", "(", "the ( has no closing )", None),
    ("a)", ")", "nothing was opened that this ) closes", None),
    ("(a]", "]", ") is expected here, not ]", None),
    ("a, b", ",", "a comma stands only in a list and between arguments", None),
    ("[, a]", ",", 'a value is expected here, not ","', None),
    ("a ==", "", "the expression ends where a value is expected", None),
    ("", "", "the expression is empty", None),
    ("1x", "1x", "a number goes on with what belongs to no number", "a number has no leading zero and no unit"),
    ("'\\x'", "\\x", "a backslash in a text begins no known escape", None),
    ("'a", "'a", "the text that begins here has no closing '", None),
    ("a @ b", "@", 'the character "@" (U+0040) has no meaning here', None),
    ("a == ä", "ä", "the character U+00E4 has no meaning here", None),
]


@pytest.mark.parametrize(("text", "part", "message", "remedy"), REFUSED, ids=[row[0] or "nothing" for row in REFUSED])
def test_a_text_is_refused(text: str, part: str, message: str, remedy: str | None) -> None:
    """With its place and, where there is one, the remedy."""
    with pytest.raises(ExpressionFault) as caught:
        parse(text)
    fault = caught.value
    assert fault.message == message
    assert text[fault.offset : fault.offset + fault.length] == part
    assert fault.offset == (text.index(part) if part and text.count(part) == 1 else fault.offset)
    if remedy is not None:
        assert fault.help is not None
        assert remedy in fault.help
        assert str(fault).endswith(fault.help)


PATHS: list[tuple[str, list[tuple[str | int, ...]]]] = [
    ('operations["install-k8s"].status == "a"', [("operations", "install-k8s", "status")]),
    ("a.b and a.b or a.c", [("a", "b"), ("a", "c")]),
    ("a[0][-1].b", [("a", 0, -1, "b")]),
    ("a[b.c].d", [("a",), ("b", "c")]),
    ("(a.b).c", [("a", "b", "c")]),
    ("exists(a.b)", [("a", "b")]),
    ("default(a.b, c).d", [("a", "b"), ("c",)]),
    ("[a, [b]][0].c", [("a",), ("b",)]),
    ("not (a in b)", [("a",), ("b",)]),
    ("len('a') == 1", []),
]


@pytest.mark.parametrize(("text", "paths"), PATHS, ids=[text for text, _ in PATHS])
def test_an_expression_says_what_it_reads(text: str, paths: list[tuple[str | int, ...]]) -> None:
    """Each path once, up to the first computed index."""
    expression = parse(text)
    assert expression.paths == tuple(paths)
    assert expression.constant is (not paths)


WRITTEN = [
    "a and (b and c)",
    "(a or b) or c",
    "(a or b) and c or d and e",
    "(not a) == b",
    "a == (not b)",
    "(a == b) == c",
    "a in (b in c)",
    "(a or b) in c",
    "not not (a and b)",
    "not a in b",
    "(a == b).c",
    "(not a)[0]",
    "(1).a",
    '("a")[-1]',
    "[a][b or c].d",
    "len(a)[exists(b.c)]",
    'a["b c"].d["in-e"][""]',
    '"\\u202e\\u0000\\n\\"\\\\ä"',
    "[-1, 1e+16, 1e-07, null, true, false, []]",
]


@pytest.mark.parametrize("text", WRITTEN)
def test_a_tree_is_written_with_the_parentheses_it_needs(text: str) -> None:
    """And with no other."""
    assert written(parse(text).tree) == text


def test_numbers_do_not_depend_on_a_setting_of_python() -> None:
    """How many digits it turns into a number can be set for a process, and an outcome must not depend on it."""
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(640)
    try:
        with pytest.raises(ExpressionFault, match="the number is too large"):
            parse("1" * 1000)
    finally:
        sys.set_int_max_str_digits(before)


@pytest.mark.parametrize(
    ("word", "choice"),
    [("oeprations", "operations"), ("tagss", "tags"), ("tga", "tag"), ("x", None), ("to" * 40, None)],
)
def test_a_word_is_near_what_was_meant(word: str, choice: str | None) -> None:
    """One swap of neighbours is one mistake; a word with nothing in common is near to nothing."""
    assert nearest(word, ["operations", "tags", "tag", "n", "to" * 40]) == choice


def test_unknown_names_are_found_without_data() -> None:
    """All of them, with their places and what may have been meant."""
    faults = unknown_names(parse("tags == [tag, exists(zzzzzz.a)] or tag"), ["tags", "operations"])
    assert [(fault.offset, fault.length, fault.message, fault.help) for fault in faults] == [
        (9, 3, 'nothing is called "tag" here', 'did you mean "tags"?'),
        (21, 6, 'nothing is called "zzzzzz" here', "known are operations, tags"),
        (35, 3, 'nothing is called "tag" here', 'did you mean "tags"?'),
    ]
    assert unknown_names(parse("tags"), {"tags"}) == []
    assert unknown_names(parse("tags"), ())[0].help == "no names are known here"


@pytest.mark.parametrize(("text", "value"), [("n == 3", True), ("yes", True), ("n != 3", False)])
def test_a_condition_holds_or_not(text: str, value: bool) -> None:
    """It is true or false."""
    assert holds(parse(text), DATA) is value


@pytest.mark.parametrize("text", ["n", "1", "nothing", "which", "tags", "operations", "operations.nowhere"])
def test_a_condition_that_is_neither_true_nor_false_is_a_fault(text: str) -> None:
    """There is no truthiness at the end either."""
    with pytest.raises(EvaluationFault, match=r"neither true nor false; compare it with something"):
        holds(parse(text), DATA)


def test_what_comes_back_is_a_copy() -> None:
    """Changing it does not change the data."""
    found = evaluate(parse("servers"), DATA)
    assert found == DATA["servers"]
    assert isinstance(found, list)
    found.clear()
    assert len(DATA["servers"]) == 2  # type: ignore[arg-type]


def test_a_mapping_need_not_be_a_dict() -> None:
    """Whoever gives the values may make them when they are asked for."""
    view = types.MappingProxyType({"a": types.MappingProxyType({"b": 1})})
    assert evaluate(parse("a.b"), view) == 1
    assert evaluate(parse("a"), view) == {"b": 1}


def test_expressions_can_be_keys() -> None:
    """The same text is the same expression, whichever was made first."""
    assert {parse("a == 1"): "first"} == {parse("a == 1"): "first"}
    assert parse("a == 1") != parse("a==1")
    assert isinstance(parse("a"), Expression)


WORST = (
    "(" * DEPTH_MAX + "yes" + ")" * DEPTH_MAX,
    "not " * (DEPTH_MAX - 1) + "yes",
    "text(" * (DEPTH_MAX - 1) + "n" + ")" * (DEPTH_MAX - 1),
    "(yes and yes or " * 12 + "yes == [yes][0]" + ")" * 12,
    "zeros[" * (DEPTH_MAX - 1) + "0" + "]" * (DEPTH_MAX - 1),
    "[" * (DEPTH_MAX - 1) + "n" + "]" * (DEPTH_MAX - 1),
)


@pytest.mark.parametrize("text", WORST, ids=[text[:10] for text in WORST])
def test_the_deepest_expressions_need_little_stack(text: str) -> None:
    """Half of what Python gives is enough, so who calls from deep within does not get a RecursionError."""
    depth = 0
    frame = sys._getframe()
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(depth + 500)
    try:
        evaluate(parse(text), DATA)
        with pytest.raises(ExpressionFault, match="nested deeper than"):
            parse("(yes or yes and " * DEPTH_MAX + "len([n" + "])" + ")" * DEPTH_MAX)
    finally:
        sys.setrecursionlimit(before)
