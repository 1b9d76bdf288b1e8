"""Where a command works: the current folder and the data directory, as the engine tells them at each call.

The plugin's own folder and environment are those of the first caller, who may have gone elsewhere since.
"""

import os

from nu_plugin_orch.call import WrongArgument, warn
from orchestrator.files.locate import VARIABLE, find_data_dir
from orchestrator.model.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from nu_plugin_orch.protocol.messages import Arguments, Wire
    from nu_plugin_orch.protocol.typed_line import Typed


class BadSetting(UsageError):
    """What the environment or the configuration says about the data directory is of the wrong kind."""

    code = "orch::setting"


#: The flag of every command that names a data directory.
FLAG = "data-dir"

#: The key below ``$env.config.plugins.orch``.
CONFIG_KEY = "data_dir"

_EXAMPLE = f"For example: $env.config.plugins.orch = {{{CONFIG_KEY}: ~/orchestrator}}"

#: Keys of the configuration that have been told to mean nothing: once is enough.
_told: "set[str]" = set()

_CURRENT_DIR = {"cwd": "GetCurrentDir"}

#: {name: what to ask the engine} to find the data directory of a command without a flag.
EVERYWHERE: "dict[str, str | dict[str, Any]]" = {
    **_CURRENT_DIR,
    "variable": {"GetEnvVar": VARIABLE},
    "config": "GetPluginConfig",
}


def questions(arguments: "Arguments") -> "dict[str, str | dict[str, Any]]":
    """{name: what to ask the engine} before the command can run; nothing if its arguments say everything."""
    flag = _text(arguments.named.get(FLAG))
    if flag is None:
        return EVERYWHERE
    if all(text is None or text.startswith("/") for text in (flag, *map(_text, arguments.positional))):
        return {}
    return dict(_CURRENT_DIR)


def resolve(arguments: "Arguments | None", answers: "Mapping[str, Wire | None]") -> "tuple[str, str]":
    """(data directory, current folder); both absolute. Neither need exist.

    Without `arguments` the data directory is that of a command without any, and what is set wrongly is passed over.

    Raises:
        WrongArgument, BadSetting: the flag, the environment or the configuration says something that is no path.
    """
    cwd = _text(answers.get("cwd")) or own_folder()
    flag = _text(arguments.named.get(FLAG)) if arguments is not None else None
    if "\0" in (flag or ""):
        raise WrongArgument(FLAG, "A path cannot hold a NUL character.", "no path")
    variable, config = answers.get("variable"), answers.get("config")
    if arguments is not None:
        _check(variable, config)
    env = {VARIABLE: _text(variable) or "", "HOME": os.environ.get("HOME", "")}
    return find_data_dir(flag, env=env, cwd=cwd, configured=_configured(config)), cwd


def typed_data_dir(typed: "Typed", here: "tuple[str, str]") -> str:
    """The data directory that a line names while it is typed; else the first of `here`, the second is the folder."""
    words = typed.get(FLAG)
    return find_data_dir(words[-1], env={"HOME": os.environ.get("HOME", "")}, cwd=here[1]) if words else here[0]


def own_place() -> "tuple[str, str]":
    """As `resolve`, as far as this process knows by itself: where the first caller was."""
    return find_data_dir(None, env=os.environ, cwd=own_folder()), own_folder()


def own_folder() -> str:
    """The folder in which the first caller was. The process itself is started in that of its executable."""
    return os.environ.get("PWD") or "/"


def _configured(config: "Wire | None") -> "str | None":
    fields = config["Record"]["val"] if config is not None and "Record" in config else {}
    return _text(fields.get(CONFIG_KEY))


def _check(variable: "Wire | None", config: "Wire | None") -> None:
    """Raise BadSetting for what would else be passed over: another directory would be meant than the user thinks."""
    if variable is not None and not {"String", "Nothing"} & set(variable):
        raise BadSetting(
            f"$env.{VARIABLE} is {_kind(variable)}, not a string.", "Set it to the path of a data directory."
        )
    if config is None or "Nothing" in config:
        return
    if "Record" not in config:
        raise BadSetting(f"$env.config.plugins.orch is {_kind(config)}, not a record.", _EXAMPLE)
    fields = config["Record"]["val"]
    given = fields.get(CONFIG_KEY)
    if "\0" in (_text(given) or ""):
        raise BadSetting(f"$env.config.plugins.orch.{CONFIG_KEY} holds a NUL character, which no path can.", _EXAMPLE)
    if given is not None and not {"String", "Nothing"} & set(given):
        raise BadSetting(f"$env.config.plugins.orch.{CONFIG_KEY} is {_kind(given)}, not a string.", _EXAMPLE)
    for name in fields:
        if name != CONFIG_KEY and name not in _told:
            _told.add(name)
            warn(f"$env.config.plugins.orch.{name} means nothing; the only key is {CONFIG_KEY}.")


def _kind(value: "Wire") -> str:
    """What a value is, with its article."""
    ((kind, _),) = value.items()
    return f"an {kind.lower()}" if kind[0] in "AEIOU" else f"a {kind.lower()}"


def _text(value: "Wire | None") -> "str | None":
    """The text of a string that the engine sent; None for anything else."""
    return value["String"]["val"] if value is not None and "String" in value else None
