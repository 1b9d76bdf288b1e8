"""Environments and their layers (R1-74)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.definitions.shape import layers
from tests.definitions.shape.conftest import operation

if TYPE_CHECKING:
    from tests.definitions.shape.conftest import Folder

TWO = operation("timeout = 10", name="a") + "\n" + operation('env = {A = "1", B = "2"}', name="b")


def test_a_layer_is_laid_over_the_values(folder: Folder) -> None:
    """Mappings merge, operations by id, lists and scalars replace, null takes away."""
    folder.workflow(TWO, "retry_policy = {max_attempts = 7, max_delay = 60}")
    folder.write(
        "w.prod.yaml",
        "priority: 5\nretry_policy:\n  max_delay: 90\noperations:\n  a: {items: [p, q], timeout: null}\n"
        "  b:\n    env: {A: null, C: '3'}\n    retry_policy: {initial_delay: 1}\n",
    )
    plan = folder.plan(environment="prod")
    first, second = plan.operations
    assert (plan.environment, plan.priority) == ("prod", 5)
    assert (first.retry.max_attempts, first.retry.max_delay) == (7, 90)
    assert (first.items, first.timeout_s) == (("p", "q"), 300)
    assert second.env == {"B": "2", "C": "3"}
    assert (second.retry.max_attempts, second.retry.initial_delay) == (3, 1)
    assert folder.plan().environment == ""


def test_operations_can_be_listed_in_a_layer(folder: Folder) -> None:
    """A list of mappings with id; the order of the definition stays."""
    folder.workflow(TWO)
    folder.write("w.prod.yaml", "operations:\n  - {id: b, timeout: 2}\n  - {id: a, timeout: 1}\n")
    assert [(one.id, one.timeout_s) for one in folder.plan(environment="prod").operations] == [("a", 1), ("b", 2)]


def test_the_layer_is_pinned_with_the_sources(folder: Folder) -> None:
    """One from elsewhere as well, under a name of its own."""
    folder.workflow(TWO)
    folder.write("w.prod.yaml", "priority: 1\n")
    other = folder.write("../other.yaml", "priority: 2\n")
    assert [one["path"] for one in folder.look(environment="prod")["sources"]] == ["w.k", "w.prod.yaml"]
    report = folder.look(environment="prod", layer=str(other))
    assert report["sources"][1] == {"path": ".layers/other.yaml", "text": "priority: 2\n"}
    assert folder.plan(environment="prod", layer=str(other)).priority == 2
    assert folder.plan(layer=str(other)).environment == ""


def test_the_option_env_is_given_the_environment(folder: Folder) -> None:
    """A definition that asks for it needs no layer."""
    folder.workflow(operation('timeout = 9 if option("env") == "prod" else 1'))
    assert folder.plan(environment="prod").operations[0].timeout_s == 9
    assert folder.faults(environment="prod", options={"env": "dev"}) == [("WF130", "w.k", None)]


def test_an_environment_that_nothing_answers_to_is_an_error(folder: Folder) -> None:
    """It says what was looked for."""
    folder.workflow(TWO)
    (told,) = folder.look(environment="prod")["errors"]
    assert told["code"] == "WF130"
    assert "w.prod.yaml" in told["help"]
    assert 'option("env")' in told["help"]
    assert folder.faults(environment="../x") == [("WF130", "w.k", None)]


@pytest.mark.parametrize(
    ("text", "code", "line", "words"),
    [
        ("operations:\n  c: {timeout: 1}\n", "WF132", 2, "no operation 'c'"),
        ("operations:\n  a:\n    timout: 1\n", "WF132", 3, "OperationDef has no attribute 'timout'"),
        ("\nretry_polcy: {}\n", "WF132", 2, "no attribute 'retry_polcy'"),
        ("retry_policy:\n  max_attempts: many\n", "WF133", 2, "a whole number, not 'many'"),
        ("operations:\n  a: {parallel: yes please}\n", "WF133", 2, "true or false or a whole number"),
        ("type: serial\n", "WF133", 1, "one of batch, sequential, parallel"),
        ("priority: true\n", "WF133", 1, "a whole number"),
        ("operations:\n  a: {env: {X: no}}\n", "WF133", 2, "a text, not false"),
        ("operations:\n  a: {items: [x, 1]}\n", "WF133", 2, "a text, not 1"),
        ("operations:\n  a: {items: x}\n", "WF133", 2, "a list, not 'x'"),
        ("operations:\n  a: {items: null}\n", "WF133", 2, "required"),
        ("operations: 3\n", "WF133", 1, "list of mappings"),
        ("operations: [{timeout: 3}]\n", "WF133", 1, "which operation"),
        ("operations: {a: {id: z}}\n", "WF133", 1, "cannot be changed"),
        ("operations: [{id: a}, {id: a}]\n", "WF132", 1, "twice"),
        ("name: null\n", "WF133", 1, "required"),
        ("secrets: {kms_config: {region: x}}\n", "WF133", 1, "SecretProvider has no 'provider'"),
        ("dependencies:\n  - {source: server.x}\n", "WF133", 2, "DependencyDef has no 'target'"),
        ("operations:\n  a:\n    timeout: -1\n", "WF105", 3, "must be positive"),
        ("operations:\n  a:\n    depends_on: [b, c]\n", "WF106", 3, "no operation 'c'"),
        ("rollback_strategy: {checkpoint_interval: 0}\n", "WF133", 1, "checkpoint_interval must be positive"),
        ("a: 1\na: 2\n", "WF131", 2, "twice"),
        ("- 1\n", "WF131", 1, "a layer is a mapping"),
        ("a: [\n", "WF131", 2, "not YAML"),
        ("a: &x [*x]\n", "WF131", 1, "contains itself"),
        ("a: !!python/object/apply:os.system [x]\n", "WF131", 1, "a value of kind 'python/object/apply:os.system'"),
        ("a: !!timestamp 2026-01-01\n", "WF131", 1, "timestamp"),
    ],
)
def test_faults_of_a_layer_are_at_its_own_lines(folder: Folder, text: str, code: str, line: int, words: str) -> None:
    """Names, kinds, the schema's checks, and YAML itself."""
    folder.workflow(TWO)
    folder.write("w.prod.yaml", text)
    told = folder.look(environment="prod")["errors"]
    assert (code, "w.prod.yaml", line) in [(one["code"], one["file"].split("/")[-1], one["line"]) for one in told]
    assert any(words in one["message"] for one in told), told


def test_near_names_are_offered(folder: Folder) -> None:
    """As for what is written in KCL."""
    folder.workflow(TWO)
    folder.write("w.prod.yaml", "operations:\n  a: {timout: 1}\n")
    assert folder.look(environment="prod")["errors"][0]["help"] == "Did you mean 'timeout'?"


def test_a_layer_that_is_not_there_is_told(folder: Folder) -> None:
    """When it was named; the path stands in the report."""
    folder.workflow(TWO)
    (told,) = folder.look(layer=str(folder.path / "none.yaml"))["errors"]
    assert (told["code"], told["file"]) == ("WF131", str(folder.path / "none.yaml"))


def test_templates_see_layered_values(folder: Folder) -> None:
    """The environment is one of them."""
    folder.write("t/run.j2", "{{ environment }} {{ values.priority }} {{ values.w.priority }}")
    folder.workflow(operation('template = "t/run.j2"', command=None), 'templates = ["t/run.j2"]')
    folder.write("w.prod.yaml", "priority: 5\n")
    assert folder.plan(environment="prod").operations[0].actions["local"].command == "prod 5 5"


def test_a_layer_belongs_to_the_workflow_that_is_named(folder: Folder) -> None:
    """Of several workflows; without a name each takes what it knows, and an id has to be somewhere."""
    text = "".join(
        f'w{name} = workflows.WorkflowDef {{name = "{name}", operations = [{operation(name=name)}]}}\n' for name in "ab"
    )
    folder.write("w.k", f"import workflows\n{text}")
    folder.write("w.prod.yaml", "operations: {a: {timeout: 9}}\n")
    assert folder.plan(environment="prod", name="wa").operations[0].timeout_s == 9
    assert folder.faults(environment="prod", name="wb") == []
    folder.write("w.prod.yaml", "operations: {c: {timeout: 9}}\n")
    assert ("WF132", "w.prod.yaml", 1) in folder.faults(environment="prod", name="wb")


def test_where_each_value_comes_from(folder: Folder) -> None:
    """R1-74: the definition, the schema, an option, the layer, or a computation."""
    folder.workflow(
        operation('timeout = option("limit", default=5)', items='["x-{{ index }}"]')
        + '\n*[workflows.OperationDef {id = n, type = "check", target = "server", items = ["i"]} for n in ["c"]]',
    )
    folder.write("w.prod.yaml", "\nretry_policy: {max_attempts: 9}\noperations: {a: {env: {X: '1'}}}\n")
    report = folder.look(environment="prod", resolved=True, options={"limit": 7})
    rows = {row["path"]: (row["value"], row["origin"]) for row in report["resolved"]}
    assert rows["w.name"] == ("w", "file:3")
    assert rows["w.operations.0.id"] == ("a", "file:6")
    assert rows["w.operations.0.timeout"] == (7, "option limit")
    assert rows["w.operations.0.priority"] == (0, "default")
    assert rows["w.operations.0.items.0"] == ("x-0", "derived")
    assert rows["w.operations.0.env.X"] == ("1", "layer:w.prod.yaml:3")
    assert rows["w.operations.1.id"] == ("c", "derived")
    assert rows["w.retry_policy.max_attempts"] == (9, "layer:w.prod.yaml:2")
    assert rows["w.retry_policy.max_delay"] == (300, "default")
    assert not any("_type" in path for path in rows)
    assert "resolved" not in folder.look()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- " * 100_000, "deeper than 50"),
        ("[" * 100_000, "deeper than 50"),
        ("{a: " * 100_000, "deeper than 50"),
        ("a: &a0 [x, x]\n" + "".join(f"b{n}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(20)), "100000"),
        ("a: 1\n---\nb: 2\n", "second document"),
        ("1: 2\n", "cannot be a key"),
        ("<<: {a: 1}\n", "not merged"),
        ("a: *b\n", "is not known"),
        (f"a: {'9' * 5000}\n", "too long"),
        ("a: \x00\n", "not YAML"),
    ],
)
def test_yaml_cannot_become_more_than_it_is(text: str, words: str) -> None:
    """Depth, references, documents, keys: refused where they stand."""
    with pytest.raises(layers.LayerFault, match=words):
        layers.parse(text)


def test_a_large_layer_is_refused(folder: Folder) -> None:
    """One mebibyte is enough for anybody's differences."""
    folder.workflow(TWO)
    folder.write("w.prod.yaml", "# " + "x" * (1 << 20))
    assert folder.faults(environment="prod") == [("WF131", "w.prod.yaml", None)]


def test_a_layer_that_is_no_text_has_a_place(folder: Folder) -> None:
    """The line and the column of the first byte that is none."""
    folder.workflow(TWO)
    (folder.path / "w.prod.yaml").write_bytes(b"priority: 1\nname: \xc3\xa9\xff\n")
    (told,) = folder.look(environment="prod")["errors"]
    assert (told["code"], told["line"], told["column"]) == ("WF131", 2, 8)
    assert told["span"] == {"start": 20, "end": 23}


def test_no_template_is_in_the_way_of_a_pinned_layer(folder: Folder) -> None:
    """Whatever a template is called, the layer from elsewhere has a place of its own."""
    (folder.path.parent / "x.yaml").write_text("priority: 2\n")
    names = ["layers", "x.yaml"]
    for name in names:
        folder.write(name, "true")
    folder.write(".layers/x.yaml", "true")
    folder.workflow(operation('template = "layers"', command=None), f"templates = {names}".replace("'", '"'))
    report = folder.look(layer=str(folder.path.parent / "x.yaml"))
    paths = [one["path"] for one in report["sources"]]
    assert sorted(paths) == [".layers/x.yaml", "layers", "w.k", "x.yaml"]
    assert not any(one != other and one.startswith(f"{other}/") for one in paths for other in paths)
    folder.workflow(operation('template = ".layers/x.yaml"', command=None), 'templates = [".layers/x.yaml"]')
    (told,) = folder.look()["errors"]
    assert told["code"] == "WF136"
    assert "pinned there" in told["message"]
