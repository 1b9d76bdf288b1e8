"""Whether a text holds a secret for everybody to read.

Judged by names (``password = "..."``) and by the known shapes of tokens, never by how random a text looks: a rule that
people can predict is one they leave switched on. A text that only refers to a secret (a variable, a file, an encrypted
value, a placeholder) is none.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Words of a name that make its value a secret.
_SECRET = re.compile(r"apikey|credentials?|passphrase|passwd|passwords?|pw|pwd|secrets?|tokens?")

#: Pairs of words that do.
_PAIR = re.compile(r"(?:access|api|auth|encryption|private|secret) key|(?:admin|database|db|root|smtp|user) pass")

#: Last words of names that only say something about a secret.
_ABOUT = re.compile(
    r"arn|class|count|dir|directory|endpoint|env|expiry|file|files|format|host|ids?|kind|length|lifetime|mount|names?"
    r"|namespace|paths?|policy|port|prefix|provider|ref|reference|region|rotation|scope|size|stdin|store|timeout|ttl"
    r"|type|uri|url|user|username|version"
)

#: Whole names that are something else.
_OTHER = {"PWD", "OLDPWD"}

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

#: Texts that refer to a secret, hide it, or are not one: variables, templates, paths, addresses, SOPS, placeholders.
_REFERENCE = re.compile(
    r"""[^a-z0-9]*$|[$`%<*]|\{\{|~|\.{0,2}/|ENC\[|(?:file|env|sops|vault|kms|ref|secret|op|https?|aws|gcp|azure)[:+]
    |(?:true|false|yes|no|none|null|on|off|todo|x+)$""",
    re.VERBOSE | re.IGNORECASE,
)

#: (shape, what it is).
_SHAPES = tuple(
    (re.compile(pattern), what)
    for pattern, what in (
        (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", "an AWS access key"),
        (r"\bgh[pousr]_[A-Za-z0-9]{36,}|\bgithub_pat_\w{22,}", "a GitHub token"),
        (r"\bglpat-[\w-]{20,}", "a GitLab token"),
        (r"\bxox[abprs]-[\w-]{10,}", "a Slack token"),
        (r"\b[sr]k_live_[A-Za-z0-9]{16,}", "a Stripe key"),
        (r"\bAIza[\w-]{35}\b", "a Google API key"),
        (r"\bnpm_[A-Za-z0-9]{36}\b", "an npm token"),
        (r"\bpypi-AgEI[\w-]{16,}", "a PyPI token"),
        (r"\bhvs\.[\w-]{24,}", "a Vault token"),
        (r"\bdop_v1_[a-f0-9]{64}\b", "a DigitalOcean token"),
        (r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}", "a signed token (JWT)"),
        (r"\bAGE-SECRET-KEY-1[0-9A-Z]{50,}", "an age identity"),
        (r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY", "a private key"),
    )
)

_QUOTED = r"""(?P<value>"[^"]*"|'[^']*'|[^\s"';&|()]+)"""

#: What shell text hands over by name: ``NAME=value``, ``--name=value``, ``--name value``.
_ASSIGNED = re.compile(rf"(?:^|(?<=[\s;&|(\"']))(?:--)?(?P<name>[A-Za-z_][\w.-]*)=(?:{_QUOTED})?")
_FLAG = re.compile(rf"(?:^|(?<=\s))--(?P<name>[A-Za-z][\w-]*)[ \t]+(?!-){_QUOTED}")
_SHELL = (
    (
        re.compile(r"\bAuthorization:\s*(?:Bearer|Basic|token)\s+(?P<value>[^\s\"']+)", re.IGNORECASE),
        "an authorization",
    ),
    (
        re.compile(r"\b[a-z][a-z0-9+.-]{0,30}://[^\s/:@\"']+:(?P<value>[^\s/@\"']+)@", re.IGNORECASE),
        "a password in an address",
    ),
    (re.compile(r"\bcurl\b[^\n;|]{0,1000}\s(?:-u|--user)\s+[\"']?[^\s:\"']+:(?P<value>[^\s\"']+)"), "a password"),
)


def is_secret_name(name: str) -> bool:
    """Whether the value of something called `name` would be a secret; not for what only tells about one."""
    words = [word.lower() for word in _WORD.findall(name)]
    if not words or name in _OTHER or _ABOUT.fullmatch(words[-1]):
        return False
    return any(map(_SECRET.fullmatch, words)) or any(_PAIR.fullmatch(" ".join(pair)) for pair in pairwise(words))


def is_reference(text: str) -> bool:
    """Whether `text` stands for a value that is elsewhere, or for none."""
    return _REFERENCE.match(text) is not None


def is_secret_text(text: str) -> bool:
    """Whether `text`, being the value of a secret's name, is the secret: neither a reference nor a list of settings."""
    return not is_reference(text) and not _is_list(text)


def shapes_in(text: str) -> Iterator[tuple[int, int]]:
    """Where tokens of known kinds stand."""
    for shape, _ in _SHAPES:
        yield from (found.span() for found in shape.finditer(text))


def handed_over_in(text: str) -> Iterator[tuple[int, int]]:
    """Where secrets stand that shell text hands over without a name."""
    for pattern, _ in _SHELL:
        yield from (found.span("value") for found in pattern.finditer(text) if not is_reference(found["value"]))


def known_shape(text: str) -> tuple[str, str] | None:
    """(what it is, the secret) if `text` holds a token of a known kind."""
    for shape, what in _SHAPES:
        found = shape.search(text)
        if found:
            return what, found[0]
    return None


def in_shell_text(text: str) -> Iterator[tuple[str, str]]:
    """(what it is, the secret) of everything that a command is given in clear text."""
    for pattern in (_ASSIGNED, _FLAG):
        for found in pattern.finditer(text):
            value = (found["value"] or "").strip("\"'")
            if is_secret_name(found["name"]) and is_secret_text(value):
                yield f"the value of {found['name']}", value
    for pattern, what in _SHELL:
        for found in pattern.finditer(text):
            if not is_reference(found["value"]):
                yield what, found["value"]


def _is_list(value: str) -> bool:
    """Settings such as ``id=key,src=file``, as build tools take them."""
    return value.startswith(("id=", "type=", "source=", "src="))
