"""A command's view of its call, and what it can answer with."""

import os

from nu_plugin_orch.protocol.value import NotPlain, Values, plain, span_of
from orchestrator.model.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol, TypeAlias

    from nu_plugin_orch.protocol.errors import Span
    from nu_plugin_orch.protocol.messages import Arguments, Wire
    from nu_plugin_orch.protocol.value import Encoded
    from orchestrator.model.errors import OrchestratorError

    #: What a command gives at last.
    Outcome: TypeAlias = "Wire | Encoded | Stream"

    class Source(Protocol):
        """Where the items of a stream come from."""

        pause_s: float

        def poll(self) -> Sequence[Wire | Encoded]:
            """The next items; none if there are none now. Raises StopIteration when there will be none any more."""

        def close(self) -> None:
            """Nobody will poll again."""


class WrongArgument(UsageError):
    """An argument is of a kind, or has a value, that the command does not take.

    Attributes:
        argument: the long name of a flag, or the position of a positional argument.
        label: what to write under it.
    """

    def __init__(self, argument: "str | int", message: str, label: str, help: str = "") -> None:
        super().__init__(message, help)
        self.argument = argument
        self.label = label

    @classmethod
    def about(cls, argument: "str | int", error: "OrchestratorError", label: str) -> "WrongArgument":
        """`error`, for which `argument` is to blame; its code stays."""
        found = cls(argument, error.message, label, error.help)
        found.code = error.code
        return found


class Stream:
    """An answer that comes in items, from `source`, until somebody ends it."""

    __slots__ = ("source",)

    def __init__(self, source: "Source") -> None:
        self.source = source


class Later:
    """An answer that takes a while: what `work` returns, called in a thread of its own.

    An interrupt answers the call at once, and what `work` returns later is dropped. With `stop` that is called instead,
    from the host's thread: `work` then ends soon, and what it returns is the answer.
    """

    __slots__ = ("stop", "work")

    def __init__(self, work: "Callable[[], Outcome]", stop: "Callable[[], None] | None" = None) -> None:
        self.work = work
        self.stop = stop


class Call:
    """One call of one command.

    Attributes:
        data_dir: which is meant; absolute.
        cwd: the caller's current folder.
        answers: {name: value} for what the command's `questions` asked, as they travel.
        values: makes values with the span of the call.
        arguments: as they were given.
    """

    def __init__(self, arguments: "Arguments", answers: "dict[str, Wire | None]") -> None:
        self.arguments = arguments
        self.data_dir = self.cwd = "/"
        self.answers = answers
        self.values = Values(arguments.head)

    def text(self, name: "str | int") -> "str | None":
        """A string argument, None if it was not given or is null. Raises WrongArgument."""
        found = self._given(name)
        if found is not None and not isinstance(found, str):
            raise self._wrong(name, "a string")
        return found

    def integer(self, name: "str | int") -> "int | None":
        """An int argument, None if it was not given or is null. Raises WrongArgument."""
        found = self._given(name)
        if found is not None and type(found) is not int:
            raise self._wrong(name, "an int")
        return found

    def duration_ns(self, name: str) -> "int | None":
        """The nanoseconds of a duration, None if it was not given or is null. Raises WrongArgument."""
        value = self._value(name)
        if value is None or "Nothing" in value:
            return None
        if "Duration" not in value:
            raise self._wrong(name, "a duration")
        return int(value["Duration"]["val"])

    def texts(self, name: str) -> "list[str]":
        """A list of strings, empty if it was not given or is null. Raises WrongArgument."""
        found = self._given(name) or []
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise self._wrong(name, "a list of strings")
        return found

    def record(self, name: "str | int") -> "dict[str, Any]":
        """A record of plain values, empty if it was not given or is null. Raises WrongArgument."""
        found = self._given(name)
        if found is not None and not isinstance(found, dict):
            raise self._wrong(name, "a record")
        return found or {}

    def switch(self, name: str) -> bool:
        """Whether a switch is on: ``--name`` is, ``--name=false`` is not."""
        if name not in self.arguments.named:
            return False
        given = self.arguments.named[name]
        if given is not None and "Bool" not in given:
            raise self._wrong(name, "true or false")
        return given is None or bool(plain(given))

    def path(self, position: int) -> str:
        """The absolute path that a positional argument names. Raises WrongArgument."""
        text = self.text(position)
        if text is None or "\0" in text:
            raise self._wrong(position, "a path")
        return os.path.normpath(os.path.join(self.cwd, os.path.expanduser(text)))

    def span_of(self, name: "str | int") -> "Span | None":
        """Where an argument stands, None if it was not given."""
        value = self._value(name)
        if value is not None:
            return span_of(value)
        return self.arguments.flag_spans.get(name) if isinstance(name, str) else None

    def warn(self, text: str) -> None:
        """Tell the person at the terminal something that is no error."""
        warn(text)

    def _given(self, name: "str | int") -> "Any":
        try:
            return plain(self._value(name))
        except NotPlain as kind:
            raise self._wrong(name, f"a plain value, not a {kind}") from kind

    def _value(self, name: "str | int") -> "Wire | None":
        if isinstance(name, str):
            return self.arguments.named.get(name)
        return self.arguments.positional[name] if name < len(self.arguments.positional) else None

    def _wrong(self, name: "str | int", wanted: str) -> WrongArgument:
        what = f"`--{name}`" if isinstance(name, str) else "the argument"
        return WrongArgument(name, f"{what} takes {wanted}.", f"not {wanted}")


def warn(text: str) -> None:
    """A line on standard error; that it cannot be written (nobody reads it, a full pipe) spoils no answer."""
    try:
        os.write(2, f"Warning: {text}\n".encode("utf-8", "replace"))
    except OSError:
        return
