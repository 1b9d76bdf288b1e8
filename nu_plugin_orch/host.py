"""The plugin at work: what the engine says is carried out, on one thread.

Theory of operation
-------------------
One thread reads, decides and writes; nothing else touches the session, so there is nothing to lock. Commands that
read a few files are answered on the spot (a thread for each would double the time of `orch status`). A stream
has a source that is polled here: when its pause is over and its window has room. While there are streams or
jobs the thread waits for the engine, the next poll and the end of a job together; otherwise for the engine alone.
What blocks (an evaluation, the answer of the daemon) is a *job*: it gets a thread of its own, which gives its result
back through a pipe and writes nothing itself.

Ctrl-C arrives as a message without a number: all streams end and all jobs are answered at once; what a job still
finds out is dropped. An acknowledged item opens the window, but does not cut a pause short.
"""

import gc
import os
import time

from nu_plugin_orch import commands, faults, place
from nu_plugin_orch.call import Call, Later, Stream
from nu_plugin_orch.protocol.errors import labeled_error
from nu_plugin_orch.protocol.messages import (
    Answer,
    CompletionWanted,
    EngineHello,
    Goodbye,
    Interrupted,
    MetadataWanted,
    NoAnswer,
    Run,
    SignatureWanted,
    StreamDropped,
    UnknownCall,
)
from nu_plugin_orch.protocol.session import Session, announcement
from orchestrator import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import ModuleType

    from nu_plugin_orch.call import Outcome, Source
    from nu_plugin_orch.protocol.messages import Message, Wire
    from nu_plugin_orch.protocol.value import Encoded

_READ_BYTES = 1 << 16

#: Bytes of an answer that are worth a system call of their own.
_WRITE_BYTES = 1 << 16

#: Answers between two collections of what reference counts do not free: errors, mostly.
_ANSWERS_PER_COLLECTION = 256


class _Asking:
    """A call that waits for answers of the engine: `waiting` maps questions to names, `answers` names to values."""

    __slots__ = ("answers", "event", "waiting")

    def __init__(self, event: "Run | CompletionWanted") -> None:
        self.event = event
        self.waiting: dict[int, str] = {}
        self.answers: dict[str, Wire | None] = {}


class _Feed:
    """A stream that is open: `due` is when its source may be asked again, `ready` what it gave and had no room for."""

    __slots__ = ("call", "command", "due", "ready", "source")

    def __init__(self, call: Call, command: "ModuleType", source: "Source") -> None:
        self.call = call
        self.command = command
        self.source = source
        self.due = 0.0
        self.ready: list[Wire | Encoded] = []


class Host:
    """Serves one engine. See the text of the module."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        """Talk through two descriptors that nobody else uses."""
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._session = Session()
        #: {question: the call that waits for it}
        self._asking: dict[int, _Asking] = {}
        #: {stream: it}
        self._feeds: dict[int, _Feed] = {}
        #: {call number: (call, its command)}
        self._jobs: dict[int, tuple[Call, ModuleType]] = {}
        #: {call number of a job that ends itself when it is told to: how}
        self._stops: dict[int, Callable[[], None]] = {}
        #: [(call number, the call, what the job returned or raised)], appended to by the jobs' threads.
        self._done: list[tuple[int, Call, Outcome | Exception]] = []
        self._wake: tuple[int, int] | None = None
        #: Where the last command worked: all that Tab knows on engines that answer no questions about it.
        self._last_place: tuple[str, str] | None = None
        self._answered = 0
        self._is_over = False

    def run(self) -> None:
        """Serve until the engine is gone.

        Raises:
            RemoteProtocolError: the engine is none, or has lost its wits.
            OSError: it went away while something was written.
        """
        try:
            self._write(announcement())
            while not self._is_over:
                if self._answered >= _ANSWERS_PER_COLLECTION:
                    self._answered = 0
                    gc.collect()
                if self._engine_is_ready():
                    data = os.read(self._read_fd, _READ_BYTES)
                    if not data:
                        return
                    for event in self._session.receive(data):
                        self._handle(event)
                self._finish_jobs()
                for stream in list(self._feeds):
                    self._pump(stream)
        finally:
            for stop in self._stops.values():
                stop()  # who has the terminal gives it back

    # --- waiting ---------------------------------------------------------------------------------------------

    def _engine_is_ready(self) -> bool:
        """Wait until the engine says something, a job is done or a stream is due; whether it was the engine."""
        if not self._feeds and not self._jobs:
            return True
        from select import POLLIN, poll

        waiting = poll()
        for descriptor in (self._read_fd,) if self._wake is None else (self._read_fd, self._wake[0]):
            waiting.register(descriptor, POLLIN)
        patience = self._patience()
        ready = waiting.poll(None if patience is None else patience * 1000)
        return any(descriptor == self._read_fd for descriptor, _ in ready)

    def _patience(self) -> "float | None":
        """Seconds until the first stream is due; one without room is not."""
        due = [feed.due for stream, feed in self._feeds.items() if self._session.room(stream)]
        return max(0.0, min(due) - time.monotonic()) if due else None

    # --- what the engine says --------------------------------------------------------------------------------

    def _handle(self, event: "Message") -> None:
        match event:
            case Run():
                self._run(event)
            case Answer() | NoAnswer():
                self._engine_answered(event.question, event.value if isinstance(event, Answer) else None)
            case StreamDropped() if event.stream in self._feeds:
                self._end(event.stream)
            case Interrupted():
                self._interrupt()
            case CompletionWanted():
                self._complete(event)
            case EngineHello():
                self._write(self._session.hello())
            case MetadataWanted():
                self._write(self._session.metadata(event.call, __version__))
            case SignatureWanted():
                signatures = [commands.load(name).SIGNATURE for name in commands.MODULES]
                self._write(self._session.signature(event.call, signatures))
            case UnknownCall():
                error = labeled_error(f"The plugin `orch` does not know the call {event.kind}.", code="orch::protocol")
                self._write(self._session.error(event.call, error))
            case Goodbye():
                self._is_over = True

    def _run(self, event: Run) -> None:
        if event.input_stream is not None:
            self._write(self._session.drop(event.input_stream))
        if event.name not in commands.MODULES:
            error = labeled_error(f"The plugin has no command `{event.name}`.", help="Run `plugin add` again.")
            self._write(self._session.error(event.call, error))
            return
        try:
            questions = commands.load(event.name).questions(event.arguments)
        except Exception as error:  # noqa: BLE001 - as in `_start`
            call = Call(event.arguments, {})
            self._write(self._session.error(event.call, faults.told(error, call, commands)))
            return
        self._ask(_Asking(event), questions)

    def _ask(self, asking: _Asking, questions: "dict[str, str | dict[str, object]]") -> None:
        """Ask everything at once: the engine needs about as long for all as for one."""
        parts = []
        for name, what in questions.items():
            question, data = self._session.ask(asking.event.call, what)
            asking.waiting[question] = name
            self._asking[question] = asking
            parts.append(data)
        if parts:
            self._write(b"".join(parts))
        else:
            self._answers_complete(asking)

    def _engine_answered(self, question: int, value: "Wire | None") -> None:
        asking = self._asking.pop(question, None)
        if asking is None:
            return
        name = asking.waiting.pop(question)
        if value is not None:
            asking.answers[name] = value
        if not asking.waiting:
            self._answers_complete(asking)

    def _answers_complete(self, asking: _Asking) -> None:
        if isinstance(asking.event, Run):
            self._start(asking.event, asking.answers)
        else:
            self._offer(asking.event, asking.answers)

    # --- commands --------------------------------------------------------------------------------------------

    def _start(self, event: Run, answers: "dict[str, Wire | None]") -> None:
        command = commands.load(event.name)
        call = Call(event.arguments, answers)
        try:
            call.data_dir, call.cwd = place.resolve(event.arguments, answers)
            if place.FLAG not in event.arguments.named:  # a line without the flag means another directory
                self._last_place = call.data_dir, call.cwd
            outcome = command.run(call)
        except Exception as error:  # noqa: BLE001 - whatever happens, the engine waits for an answer, for ever
            outcome = error
        if isinstance(outcome, Later):
            try:
                self._start_job(event.call, call, outcome.work)
            except (OSError, RuntimeError) as error:  # no descriptors, no threads
                self._answer(event.call, call, command, error)
            else:
                self._jobs[event.call] = (call, command)
                if outcome.stop is not None:
                    self._stops[event.call] = outcome.stop
        else:
            self._answer(event.call, call, command, outcome)

    def _answer(self, number: int, call: Call, command: "ModuleType", outcome: "Outcome | Exception") -> None:
        """Answer a call with a value or a stream of them, or with why there is none."""
        self._answered += 1
        if isinstance(outcome, Stream):
            stream, data = self._session.list_stream(number, call.arguments.head)
            self._write(data)
            self._feeds[stream] = _Feed(call, command, outcome.source)
            return
        if not isinstance(outcome, Exception):
            try:
                pieces = self._session.value(number, outcome)
            except (TypeError, ValueError, OverflowError) as error:  # it cannot be encoded
                outcome = error
        if isinstance(outcome, Exception):
            pieces = (self._session.error(number, faults.told(outcome, call, command)),)
        self._write_pieces(pieces)

    def _pump(self, stream: int) -> None:
        """Send what there is, as far as the window goes."""
        feed = self._feeds[stream]
        parts: list[bytes] = []
        while room := self._session.room(stream):
            if not feed.ready:
                now = time.monotonic()
                if now < feed.due:
                    break
                try:
                    feed.ready = list(feed.source.poll())
                except StopIteration:
                    self._write(b"".join(parts))
                    self._end(stream)
                    return
                except Exception as error:  # noqa: BLE001 - told as the last item
                    item = feed.call.values.error(faults.told(error, feed.call, feed.command))
                    self._write(b"".join([*parts, self._session.item(stream, item)]))
                    self._end(stream)
                    return
                feed.due = now + feed.source.pause_s
                if not feed.ready:
                    break
            parts += [self._session.item(stream, item) for item in feed.ready[:room]]
            del feed.ready[:room]
        if parts:
            self._write(b"".join(parts))

    def _end(self, stream: int) -> None:
        feed = self._feeds.pop(stream)
        feed.source.close()
        self._write(self._session.end(stream))

    def _interrupt(self) -> None:
        for stream in list(self._feeds):
            self._end(stream)
        for stop in self._stops.values():
            stop()
        for number in self._jobs.keys() - self._stops.keys():
            call, command = self._jobs.pop(number)
            self._write(self._session.error(number, faults.interrupted(call, getattr(command, "NOTE", ""))))
        waiting = {id(asking): asking.event for asking in self._asking.values()}
        self._asking.clear()  # what the engine still answers is passed over
        for event in waiting.values():
            if isinstance(event, Run):
                told = faults.interrupted(Call(event.arguments, {}), "Nothing was done.")
                self._write(self._session.error(event.call, told))
            else:
                self._write(self._session.completions(event.call, []))

    # --- jobs ------------------------------------------------------------------------------------------------

    def _start_job(self, number: int, call: Call, work: "Callable[[], Outcome]") -> None:
        from _thread import start_new_thread  # `threading` costs 3 ms to import, and nothing of it is needed

        self._wake = self._wake or os.pipe()
        start_new_thread(self._work, (number, call, work))

    def _work(self, number: int, call: Call, work: "Callable[[], Outcome]") -> None:
        """In a thread of its own."""
        try:
            outcome: Outcome | Exception = work()
        except Exception as error:  # noqa: BLE001 - told to the caller
            outcome = error
        self._done.append((number, call, outcome))
        if self._wake is not None:
            os.write(self._wake[1], b".")

    def _finish_jobs(self) -> None:
        while self._done:
            number, call, outcome = self._done.pop(0)
            if self._wake is not None:
                os.read(self._wake[0], 1)
            self._stops.pop(number, None)
            if number in self._jobs and self._jobs[number][0] is call:
                _, command = self._jobs.pop(number)
                self._answer(number, call, command, outcome)
            elif isinstance(outcome, Stream):  # interrupted, and answered, before
                outcome.source.close()

    # --- Tab -------------------------------------------------------------------------------------------------

    def _complete(self, event: CompletionWanted) -> None:
        command = commands.load(event.name) if event.name in commands.MODULES else None
        if command is None or not hasattr(command, "complete"):
            self._write(self._session.completions(event.call, None))
            return
        self._ask(_Asking(event), dict(place.EVERYWHERE))

    def _offer(self, event: CompletionWanted, answers: "dict[str, Wire | None]") -> None:
        """Offer what there is; an engine up to 0.114 answers no questions while somebody presses Tab."""
        try:
            here = place.resolve(None, answers) if "cwd" in answers else self._last_place or place.own_place()
            data_dir = place.typed_data_dir(event.typed, here)
            command = commands.load(event.name)
            found = command.complete(data_dir, event.argument, event.typed)
            if event.argument == getattr(command, "DEFINITION", None):
                found = _with_definitions(found, here[1], event.typed.get(event.argument, ()))
            items = None if found is None else [(str(text), str(about)) for text, about in found]
        except Exception:  # noqa: BLE001 - nobody who presses Tab wants to know
            items = []
        self._write(self._session.completions(event.call, items))

    def _write_pieces(self, pieces: "Iterable[bytes]") -> None:
        """Small ones together."""
        held = b""
        for piece in pieces:
            held += piece
            if len(held) >= _WRITE_BYTES:
                self._write(held)
                held = b""
        self._write(held)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._write_fd, view) :]


def _with_definitions(
    found: "list[tuple[str, str]] | None", cwd: str, words: "Sequence[str]"
) -> "list[tuple[str, str]] | None":
    """What is offered, and the definitions in the current folder; None, which is any file, where a path is typed."""
    if any("/" in word for word in words):
        return None
    from orchestrator.files.state.definition_files import definition_files

    return [*(found or ()), *definition_files(cwd)]
