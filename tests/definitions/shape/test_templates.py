"""Templates that become commands (R1-71, R1-72)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.definitions.shape.conftest import operation

if TYPE_CHECKING:
    from tests.definitions.shape.conftest import Folder

LISTED = 'templates = ["t/run.j2"]'
RUN = 'template = "t/run.j2"'


def test_a_text_for_each_item(folder: Folder) -> None:
    """A template knows the item, its position, the operation, the values and the environment."""
    text = "echo {{ item }} {{ index }} {{ operation.id }} {{ workflow }} {{ values.region }} '{{ environment }}'\n"
    folder.write("t/run.j2", text)
    folder.workflow(operation(RUN, items='["x", "y"]', command=None), LISTED, 'region = "fsn"')
    made = folder.plan().operations[0]
    assert {item: action.command for item, action in made.item_actions.items()} == {
        "x": "echo x 0 a w fsn ''",
        "y": "echo y 1 a w fsn ''",
    }
    assert list(made.actions) == ["local"]
    assert "exit 70" in made.actions["local"].command


def test_the_same_text_for_all_is_the_command(folder: Folder) -> None:
    """Loops, conditions and filters; blocks leave no empty lines."""
    folder.write(
        "t/run.j2",
        "{% for n in values.ports %}\n{% if n > 80 %}\nopen {{ n | string | upper }}\n{% endif %}\n{% endfor %}\n",
    )
    folder.workflow(operation(RUN, items='["x", "y"]', command=None), LISTED, "ports = [80, 443, 8080]")
    made = folder.plan().operations[0]
    assert made.actions["local"].command == "open 443\nopen 8080"
    assert made.item_actions == {}


def test_values_hold_the_workflow_itself(folder: Folder) -> None:
    """Its own attributes, and a mapping's key before a method of the same name."""
    folder.write("t/run.j2", "{{ values.name }} {{ values.w.operations[0].items | join(',') }} {{ values.priority }}\n")
    folder.workflow(operation(RUN, items='["x"]', command=None), f"{LISTED}\npriority = 7")
    assert folder.plan().operations[0].actions["local"].command == "w x 7"


def test_undoing_has_a_template_too(folder: Folder) -> None:
    """Each item's undo stands beside its command, which may be one for all."""
    folder.write("t/run.j2", "drop {{ item }}")
    folder.workflow(operation('rollback_template = "t/run.j2"', items='["x", "y"]'), LISTED)
    made = folder.plan().operations[0]
    assert {item: (each.command, each.undo) for item, each in made.item_actions.items()} == {
        "x": ("true", "drop x"),
        "y": ("true", "drop y"),
    }


def test_listed_templates_can_be_included_and_extended(folder: Folder) -> None:
    """Names are relative to the definition's folder, whoever names them. An included last line keeps its end."""
    folder.write("t/head.j2", "set -eu\n")
    folder.write("t/base.j2", "{% include 't/head.j2' %}\n{% block body %}{% endblock %}\n")
    folder.write("t/run.j2", "{% extends 't/base.j2' %}{% block body %}echo {{ item }}{% endblock %}\n")
    folder.workflow(operation(RUN, command=None), 'templates = ["t/run.j2", "t/base.j2", "t/head.j2"]')
    report = folder.look()
    assert folder.plan().operations[0].actions["local"].command == "set -eu\necho x"
    assert [source["path"] for source in report["sources"]] == ["w.k", "t/run.j2", "t/base.j2", "t/head.j2"]


def test_commands_in_the_definition_are_never_rendered(folder: Folder) -> None:
    """Other programs have braces of their own."""
    command = "docker ps --format '{{.Names}}'; echo {% x %} {# y #}"
    folder.write("t/run.j2", "echo {{ item }}")
    folder.workflow(operation(command=command) + "\n" + operation(RUN, name="b", command=None), LISTED)
    assert folder.plan().operations[0].actions["local"].command == command


@pytest.mark.parametrize(
    ("text", "line", "message", "help_text"),
    [
        ("a\nb {{ itme }}", 2, "'itme' is undefined", "Did you mean 'item'?"),
        ("{{ values.regoin }}", 1, "there is no 'regoin' here", "Did you mean 'region'?"),
        ("a\n\n{% if %}", 3, "Expected an expression", ""),
        ("{{ values.region.city }}", 1, "a text has no 'city'", ""),
        ("{{ values.nothing }}", 1, "the value is null", "Say what stands for it: `| default('...', true)`."),
        ("{{ values.w }}", 1, "a mapping has no text", "Use a filter: `| join(' ')` or `| tojson`."),
        ("{{ 1 / 0 }}", 1, "ZeroDivisionError: division by zero", ""),
        ("{% include 't/other.j2' %}", 1, "'t/other.j2' is not one of the workflow's", "Did you mean 't/run.j2'?"),
    ],
)
def test_faults_are_at_the_template_s_line(folder: Folder, text: str, line: int, message: str, help_text: str) -> None:
    """With a near name where there is one."""
    folder.write("t/run.j2", text)
    folder.workflow(operation(RUN, command=None), LISTED, 'region = "fsn"\nnothing = None')
    (told,) = folder.look()["errors"]
    assert (told["file"].split("/")[-1], told["line"]) == ("run.j2", line)
    assert message in told["message"]
    assert told["help"] == help_text
    assert told["snippet"] in text


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (operation(RUN), "WF139"),
        (operation(RUN + ', rollback_template = "t/run.j2", rollback_command = "x"', command=None), "WF139"),
        (operation('rollback_template = "t/run.j2"', command=None), "WF139"),
        (operation('template = "t/rum.j2"', command=None), "WF136"),
    ],
)
def test_contradictions_are_told_in_the_definition(folder: Folder, attributes: str, expected: str) -> None:
    """At the operation's attribute."""
    folder.write("t/run.j2", "echo")
    folder.workflow(attributes, LISTED)
    assert folder.faults() == [(expected, "w.k", 6)]


def test_a_template_that_makes_nothing_is_no_command(folder: Folder) -> None:
    """For whichever item."""
    folder.write("t/run.j2", "{% if item == 'x' %}true{% endif %}")
    folder.workflow(operation(RUN, items='["x", "y"]', command=None), LISTED)
    (told,) = folder.look()["errors"]
    assert (told["code"], "'y'" in told["message"]) == ("WF137", True)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("t/none.j2", "no such file"),
        ("../outside.j2", "leads out"),
        ("/etc/hostname", "leads out"),
        ("t/link.j2", "a link leads out"),
        ("t/pipe", "no regular file"),
        ("t", "it is a directory"),
        ("t/large.j2", "larger than 256 KiB"),
        ("t/latin.j2", "not UTF-8"),
        ("./t/run.j2", "write it as 't/run.j2'"),
    ],
)
def test_only_regular_files_of_the_folder_are_read(folder: Folder, name: str, message: str) -> None:
    """Whatever stands in the list; the error is at its place there."""
    folder.write("../outside.j2", "secret")
    folder.write("t/run.j2", "echo")
    (folder.path / "t" / "link.j2").symlink_to("../../outside.j2")
    os.mkfifo(folder.path / "t" / "pipe")
    folder.write("t/large.j2", "x" * (257 << 10))
    (folder.path / "t" / "latin.j2").write_bytes(b"\xe4\n")
    folder.workflow(operation(), f'templates = ["{name}"]')
    (told,) = folder.look()["errors"]
    assert (told["code"], told["line"]) == ("WF136", 4)
    assert message in told["message"]


def test_a_link_within_the_folder_is_followed(folder: Folder) -> None:
    """Only leaving the folder is refused."""
    folder.write("t/run.j2", "echo {{ item }}")
    (folder.path / "t" / "link.j2").symlink_to("run.j2")
    folder.workflow(operation('template = "t/link.j2"', command=None), 'templates = ["t/link.j2"]')
    assert folder.plan().operations[0].actions["local"].command == "echo x"


def test_templates_have_an_effect_now(folder: Folder) -> None:
    """Listing them is no longer warned about."""
    folder.write("t/run.j2", "echo")
    folder.workflow(operation(RUN, command=None), LISTED)
    assert folder.look()["warnings"] == []
