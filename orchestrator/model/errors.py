"""Failures that are told to a person or a program, each a class with a stable code.

Three families (ARCHITECTURE.md, "Errors"): faults of a definition are values (diagnostics) and not here;
failures of the world outside and of a request are the classes below; a broken assumption of ours is
`EngineBug`. A message says what failed, which thing and why; `help` says what to do.
"""


class OrchestratorError(Exception):
    """Base of all told failures.

    Attributes:
        code: stable name, ``orch::<area>::<what>``.
        exit_code: of the shell command that ends with it (the table is in README.md).
        message: what failed, which thing, why.
        help: what to do about it; may be empty.
    """

    code = "orch::error"
    exit_code = 1

    def __init__(self, message: str, help: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.help = help


class UsageError(OrchestratorError):
    """A command was called in a way it does not understand."""

    code = "orch::usage"
    exit_code = 2


class StatusNotFound(OrchestratorError):
    """The data directory has no status.json."""

    code = "orch::status::not_found"
    exit_code = 66


class StatusUnreadable(OrchestratorError):
    """status.json exists and cannot be read."""

    code = "orch::status::unreadable"
    exit_code = 66


class StatusInvalid(OrchestratorError):
    """status.json is not the JSON it should be."""

    code = "orch::status::invalid"
    exit_code = 65


class TasksUnreadable(OrchestratorError):
    """The tasks directory, or one file in it, cannot be read."""

    code = "orch::tasks::unreadable"
    exit_code = 66


class TaskInvalid(OrchestratorError):
    """A task file is not the JSON it should be (told only under ``--strict``; skipped otherwise)."""

    code = "orch::tasks::invalid"
    exit_code = 65


class WorkflowUnreadable(OrchestratorError):
    """The state of a workflow exists and cannot be read, or is not the JSON it should be."""

    code = "orch::workflow::unreadable"
    exit_code = 66


class JournalUnreadable(OrchestratorError):
    """The journal exists and may not be read."""

    code = "orch::journal::unreadable"
    exit_code = 66


class CursorLost(OrchestratorError):
    """What stood behind a cursor is not there (any more): nobody can say what came after it.

    Attributes:
        resume: a cursor from which everything that there is can be followed.
    """

    code = "orch::journal::cursor_lost"
    exit_code = 65

    def __init__(self, message: str, help: str = "", resume: str = "0:0") -> None:
        super().__init__(message, help)
        self.resume = resume


class FormatTooNew(OrchestratorError):
    """The data directory was written by a version whose format this one does not know."""

    code = "orch::format::too_new"
    exit_code = 65


class NotFound(OrchestratorError):
    """No workflow, task or file of that name."""

    code = "orch::not_found"
    exit_code = 66


class BadId(OrchestratorError):
    """An id that must not come near a path."""

    code = "orch::id::bad"
    exit_code = 65


class NoDaemon(OrchestratorError):
    """A request needs a daemon, and none holds the data directory."""

    code = "orch::daemon::not_running"
    exit_code = 69


class NoReply(OrchestratorError):
    """The daemon did not answer before the request expired."""

    code = "orch::daemon::no_reply"
    exit_code = 75


class Locked(OrchestratorError):
    """Another daemon holds the data directory."""

    code = "orch::daemon::locked"
    exit_code = 75


class Refused(OrchestratorError):
    """The daemon understood the request and does not do it; its words are passed on."""

    code = "orch::refused"
    exit_code = 70


class WrongState(Refused):
    """A workflow or task is not in a state in which that can be asked of it."""

    code = "orch::workflow::state"


class DefinitionInvalid(OrchestratorError):
    """A definition has errors; the diagnostics say which and where.

    Attributes:
        diagnostics: records as in ``orch validate``.
    """

    code = "orch::definition::invalid"
    exit_code = 65

    def __init__(self, message: str, help: str = "", diagnostics: "list[dict[str, object]] | None" = None) -> None:
        super().__init__(message, help)
        self.diagnostics = diagnostics or []


class ValidatorUnavailable(OrchestratorError):
    """The evaluator process cannot be started or does not answer."""

    code = "orch::validate::unavailable"
    exit_code = 69


class WorkflowFailed(OrchestratorError):
    """A followed workflow ended otherwise than succeeded."""

    code = "orch::workflow::failed"
    exit_code = 1


class JournalDamaged(OrchestratorError):
    """The journal is broken in a place that is not its torn end; nothing is started."""

    code = "orch::journal::damaged"
    exit_code = 74


class DiskFailed(OrchestratorError):
    """Writing or syncing failed; what was not acknowledged may be lost, nothing else is.

    Attributes:
        may_pass: the same can be tried again when somebody has made room or put right what was in the way, and
            then be believed. Never so for a failed sync.
    """

    code = "orch::disk::failed"
    exit_code = 74

    def __init__(self, message: str, help: str = "", may_pass: bool = False) -> None:
        super().__init__(message, help)
        self.may_pass = may_pass


class StartError(OrchestratorError):
    """An attempt's command could not be started."""

    code = "orch::attempt::cannot_start"
    exit_code = 71


class EngineBug(AssertionError):
    """An assumption of the engine is broken: our fault, told with the workflow's story."""
