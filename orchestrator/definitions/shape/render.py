"""Templates become commands: the one place where text is put into shell text.

A template is rendered for each item of its operation. If all texts are the same it is the operation's command; else
each item has its own (``item_commands``), and the operation's is one that fails: nobody must ever run it. Commands that
are written in the definition are never rendered; ``{{`` means something to many programs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from orchestrator.definitions import diagnostics
from orchestrator.definitions.diagnostics import Text
from orchestrator.definitions.kcl.positions import Place
from orchestrator.definitions.shape.fault import RenderFault
from orchestrator.plan.fault import Fault, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orchestrator.definitions.diagnostics import Diagnostic
    from orchestrator.definitions.shape.sandbox import Engine
    from orchestrator.plan.fault import Path, Raw

#: Stands for a command that differs from item to item.
OF_EACH_ITEM = "echo 'each item of this operation has a command of its own' >&2; exit 70"

#: (attribute that names the template, the one it is rendered for).
_PAIRS = (("template", "command"), ("rollback_template", "rollback_command"))


class Rendered(NamedTuple):
    """What became of one operation's templates. `faults` are in the definition, `found` in template files."""

    values: dict[str, Any]
    faults: list[Fault]
    found: list[Diagnostic]


def unrendered(operation: Raw) -> dict[str, Any]:
    """Stands for what could not be rendered, so that nobody complains that it is missing."""
    if not operation.get("template") or operation.get("command") is not None:
        return {}
    return {"command": OF_EACH_ITEM}


class Renderer:
    """Renders the templates of one workflow. `texts`: {name: text}; `folder`: where their files lie."""

    def __init__(self, engine: Engine, texts: Mapping[str, str], folder: str) -> None:
        self._engine = engine
        self._texts = texts
        self._files = {name: Text(f"{folder}/{name}", text) for name, text in texts.items()}

    def compile(self) -> list[Diagnostic]:
        """What is wrong with the templates themselves, whether they are used or not."""
        found = []
        for name in self._texts:
            try:
                self._engine.compile(name)
            except RenderFault as fault:
                found.append(self.diagnostic(fault))
        return found

    def operation(self, operation: Raw, path: Path, names: Mapping[str, Any]) -> Rendered:
        """Commands of `operation`, whose values are at `path`. `names`: what its templates know beside the item."""
        faults: list[Fault] = []
        found: list[Diagnostic] = []
        made: dict[str, list[str]] = {}
        for attribute, command in _PAIRS:
            name = operation.get(attribute)
            if not isinstance(name, str):
                continue
            fault = self._refused(operation, attribute, command, (*path, attribute))
            if fault is not None:
                faults.append(fault)
                continue
            try:
                made[command] = self._of_items(name, operation, names)
            except RenderFault as error:
                where = ".".join(str(part) for part in (*path, attribute))
                found.append(self.diagnostic(error) | {"path": where})
        blank = [index for index, text in enumerate(made.get("command", [])) if not text.strip()]
        if blank:
            message = f"template '{operation['template']}' makes no text for item '{operation['items'][blank[0]]}'"
            faults.append(Fault("WF137", (*path, "template"), message, "A command cannot be empty."))
        values = unrendered(operation) if faults or found else _values(operation, made)
        return Rendered(values, faults, found)

    def _refused(self, operation: Raw, attribute: str, command: str, path: Path) -> Fault | None:
        said = f"operation '{operation.get('id')}'"
        if operation.get(command) is not None:
            return Fault("WF139", path, f"{said} has a {command} and a {attribute}", "Remove one of them.")
        if attribute == "rollback_template" and not (operation.get("command") or operation.get("template")):
            message = f"{said} has a rollback_template but neither a command nor a template"
            return Fault("WF139", path, message, "Without them the provider does both; remove it or add one.")
        name = operation[attribute]
        if name not in self._texts:
            help_text = did_you_mean(name, self._texts) or "List it in the workflow's `templates`."
            return Fault("WF136", path, f"'{name}' is not one of the workflow's templates", help_text)
        return None

    def _of_items(self, name: str, operation: Raw, names: Mapping[str, Any]) -> list[str]:
        render = self._engine.render
        return [render(name, {**names, "item": item, "index": index}) for index, item in enumerate(operation["items"])]

    def diagnostic(self, fault: RenderFault) -> Diagnostic:
        """`fault`, in the file of its template."""
        name = fault.template or next(iter(self._files))
        text = self._files[name]
        place = None
        if fault.line is not None:
            line = [*self._texts[name].split("\n"), ""][fault.line - 1]
            place = Place(fault.line, len(line) - len(line.lstrip()), fault.line, len(line.rstrip()))
        return diagnostics.make(fault.code, fault.message, text, place, help=fault.help)


def _values(operation: Raw, made: Mapping[str, list[str]]) -> dict[str, Any]:
    """The attributes that the rendered texts make."""
    if all(len(set(texts)) <= 1 for texts in made.values()):
        return {command: (texts or [OF_EACH_ITEM])[0] for command, texts in made.items()}
    fixed = {command: operation[command] for _, command in _PAIRS if operation.get(command) is not None}
    each = [dict(zip(made, texts, strict=True)) for texts in zip(*made.values(), strict=True)]
    commands = {item: fixed | own for item, own in zip(operation["items"], each, strict=True)}
    return {"item_commands": commands, **dict.fromkeys(made, OF_EACH_ITEM)}
