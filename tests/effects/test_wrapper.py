"""The wrapper, run by each shell that may be /bin/sh."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from orchestrator.effects.effect import Exited, Lost
from orchestrator.effects.local import LocalEffect
from orchestrator.effects.wrapper import MARK, Arguments, place_to_run, read_text
from tests.support.attempts import BOOT_ID, ended, launch

SHELLS = [shell for shell in ("/bin/dash", "/bin/bash") if os.path.exists(shell)]


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A POSIX shell of this machine, called by the name ``sh``, as it would be if it were /bin/sh."""
    path = tmp_path / "bin" / "sh"
    path.parent.mkdir()
    path.symlink_to(request.param)
    return str(path)


class Run:
    """What became of one command."""

    def __init__(self, data_dir: Path, shell: str, command: str, item: str = "x") -> None:
        of = launch(data_dir, command, item)
        effect = LocalEffect(str(data_dir), BOOT_ID, umask=0o022, shell=shell)
        self.ended = ended(effect.start(of))
        base = data_dir / "workflows" / "w" / "logs" / of.log_stem
        self.out_path, self.err_path = Path(f"{base}.out"), Path(f"{base}.err")
        self.out, self.err = self.out_path.read_text(), self.err_path.read_text()
        self.lines = (data_dir / "workflows" / "w" / "attempts.log").read_text().splitlines()


def test_sends_both_streams_to_their_files(data_dir: Path, shell: str) -> None:
    """Standard output and standard error go to ``.out`` and ``.err``, and nothing else does."""
    run = Run(data_dir, shell, "echo one; echo two >&2; exit 3")
    assert (run.ended, run.out, run.err) == (Exited(3), "one\n", "two\n")


def test_records_who_has_the_attempt_and_how_it_ended(data_dir: Path, shell: str) -> None:
    """attempts.log has one claim with pid and boot, and one exit with the code."""
    run = Run(data_dir, shell, "cut -d' ' -f4 /proc/self/stat; exit 4")
    assert run.lines == [f"claim op.local.x.1 {run.out.strip()} {BOOT_ID}", "exit op.local.x.1 4"]


def test_the_claim_names_the_process_that_is_the_parent_of_the_command(data_dir: Path, shell: str) -> None:
    """The pid in the claim is the leader of the session in which the command runs."""
    run = Run(data_dir, shell, "cut -d' ' -f5,6 /proc/self/stat")
    assert run.out.split() == [run.lines[0].split(" ")[2]] * 2


def test_files_are_for_the_owner_and_the_command_has_the_umask_of_the_daemon(data_dir: Path, shell: str) -> None:
    """Logs are 0600 whatever the umask is; what the command creates follows the umask that was given."""
    run = Run(data_dir, shell, "umask; : >made")
    assert run.out.strip() == "0022"
    assert (data_dir / "made").stat().st_mode & 0o777 == 0o644
    log = data_dir / "workflows" / "w" / "attempts.log"
    assert [path.stat().st_mode & 0o777 for path in (run.out_path, run.err_path, log)] == [0o600] * 3


def test_logs_are_appended_to(data_dir: Path, shell: str) -> None:
    """The files are open for appending, so that a log that was cut short goes on at its end."""
    run = Run(data_dir, shell, "exec grep -h flags /proc/self/fdinfo/1 /proc/self/fdinfo/2")
    assert [int(line.split()[1], 8) & os.O_APPEND for line in run.out.splitlines()] == [os.O_APPEND] * 2


def test_the_command_has_no_descriptor_but_the_three(data_dir: Path, shell: str) -> None:
    """Neither attempts.log nor anything of the daemon's is open in the command."""
    inherited = os.open(data_dir, os.O_RDONLY)
    os.set_inheritable(inherited, True)
    try:
        run = Run(data_dir, shell, "ls /proc/self/fd | sort -n | tr '\\n' ' '; readlink /proc/self/fd/0")
    finally:
        os.close(inherited)
    assert run.out == "0 1 2 3 /dev/null\n"  # 3 is the directory that ls reads


def test_the_command_may_overwrite_files(data_dir: Path, shell: str) -> None:
    """The option that makes the claim exclusive is not in force any more."""
    run = Run(data_dir, shell, "echo a >f; echo b >f && cat f; echo $- | grep -c C")
    assert run.out == "b\n0\n"


@pytest.mark.parametrize("command", ["grep SigIgn /proc/self/status", "grep SigIgn /proc/$$/status"])
def test_no_signal_is_ignored_or_blocked_in_the_command(data_dir: Path, shell: str, command: str) -> None:
    """Python ignores PIPE and the wrapper catches TERM; the command knows nothing of either."""
    run = Run(data_dir, shell, f"{command}; grep SigBlk /proc/self/status")
    ours = ~(3 << 31)  # 32 and 33 belong to the C library, which lets nobody set them
    assert [int(line.split()[1], 16) & ours for line in run.out.splitlines()] == [0, 0]


@pytest.mark.parametrize(("number", "code"), [("TERM", 143), ("INT", 130), ("HUP", 129), ("KILL", 137)])
def test_a_command_that_is_killed_leaves_128_and_the_signal(data_dir: Path, shell: str, number: str, code: int) -> None:
    """The exit code of a command that a signal ended is recorded as shells tell it."""
    run = Run(data_dir, shell, f"kill -{number} $$")
    assert run.ended == Exited(code)
    assert run.lines[1:] == [f"exit op.local.x.1 {code}"]


@pytest.mark.parametrize("number", ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2"])
def test_a_signal_to_the_whole_group_does_not_keep_the_wrapper_from_recording(
    data_dir: Path, shell: str, number: str
) -> None:
    """The command is ended by the signal, the wrapper writes the exit line."""
    run = Run(data_dir, shell, f"kill -{number} 0; while :; do :; done")
    assert isinstance(run.ended, Exited)
    assert run.lines[1:] == [f"exit op.local.x.1 {run.ended.exit_code}"]


def test_the_directory_that_is_missing_is_named(data_dir: Path, shell: str) -> None:
    """Without its working directory a command is not run: 126, and the reason in its own log."""
    of = launch(data_dir, "echo ran")
    effect = LocalEffect(str(data_dir), BOOT_ID, shell=shell)
    wrong = type(of)(**{**{name: getattr(of, name) for name in of.__struct_fields__}, "working_dir": "/no/such"})
    assert ended(effect.start(wrong)) == Exited(126)
    error = (data_dir / "workflows/w/logs/op.local.x.1.err").read_text()
    assert "the working directory /no/such cannot be entered; nothing was run" in error
    assert (data_dir / "workflows/w/logs/op.local.x.1.out").read_text() == ""


def test_leaves_when_the_log_is_there(data_dir: Path, shell: str) -> None:
    """The attempt is claimed, by whatever lies in the place of the log; nothing is run or overwritten."""
    logs = data_dir / "workflows" / "w" / "logs"
    logs.mkdir(parents=True)
    (logs / "op.local.x.1.out").write_text("older")
    effect = LocalEffect(str(data_dir), BOOT_ID, shell=shell)
    assert isinstance(ended(effect.start(launch(data_dir, ": >ran"))), Lost)
    assert (logs / "op.local.x.1.out").read_text() == "older"
    assert not (data_dir / "ran").exists()


@pytest.mark.parametrize("kind", ["fifo", "symlink", "dangling", "directory"])
def test_is_not_led_astray_by_what_lies_in_the_place_of_the_log(data_dir: Path, shell: str, kind: str) -> None:
    """A FIFO is not waited for and a symbolic link not followed: nothing begins."""
    logs = data_dir / "workflows" / "w" / "logs"
    logs.mkdir(parents=True)
    path, target = logs / "op.local.x.1.out", data_dir / "target"
    match kind:
        case "fifo":
            os.mkfifo(path)
        case "directory":
            path.mkdir()
        case "symlink":
            target.write_text("precious")
            path.symlink_to(target)
        case _:
            path.symlink_to(target)
    effect = LocalEffect(str(data_dir), BOOT_ID, shell=shell)
    assert isinstance(ended(effect.start(launch(data_dir, ": >ran"))), Lost)
    assert not (data_dir / "ran").exists()
    assert kind == "symlink" or not target.exists()


@pytest.mark.parametrize("place", ["out", "err"])
def test_runs_nothing_when_a_log_cannot_be_made(data_dir: Path, shell: str, place: str) -> None:
    """Without both logs the command does not begin."""
    logs = data_dir / "workflows" / "w" / "logs"
    logs.mkdir(parents=True)
    (logs / f"op.local.x.1.{place}").mkdir()
    effect = LocalEffect(str(data_dir), BOOT_ID, shell=shell)
    found = ended(effect.start(launch(data_dir, ": >ran")))
    assert isinstance(found, Lost)
    assert "could not begin" in found.why
    assert not (data_dir / "ran").exists()


#: Commands that must behave in a subshell of the wrapper as in a shell of their own.
COMMANDS = [
    "true",
    "exit 3",
    "false",
    "echo one two  three",
    'echo "$ORCH_ITEM" "$#" "$*"',
    "# only a comment",
    "",
    "  ",
    "echo a\necho b\nexit 5\n",
    "cat <<X\nhere\nX",
    "exec echo replaced",
    "no-such-command-anywhere",
    "cd / && pwd",
    "cd - ; echo $?",
    "f() { return_value=3; }; f; echo $return_value",
    "echo 'unclosed",
    "if",
    ")",
    "(exit 9)",
    "sleep 0 & wait; echo $?",
    "read -r line; echo $?",
    "umask 077; umask",
    "echo out; echo err >&2",
    'test -t 0 || echo "no terminal"',
    "echo \\$ '$''$' $( echo nested )",
    "-v",
    "ulimit -n 100; ulimit -n",
    "env | grep -c ORCH_WRAPPER",
    "exec 9>&1; echo nine >&9",
    "printf '%s\\n' *",
]


def _by_hand(shell: str, directory: Path, command: str, place: str) -> tuple[int, str, list[str]]:
    """(exit code, output, lines recorded behind the claim) of the wrapper's text run as it is."""
    directory.mkdir()
    work = directory.parent / "work"
    work.mkdir(exist_ok=True)
    records = directory / "attempts.log"
    arguments = Arguments("stem", str(records), str(work), command, place, "0022", "boot")
    text = read_text().replace("/bin/sh", shell)
    with (directory / "out").open("ab") as out, (directory / "err").open("ab") as err:
        result = subprocess.run(
            [shell, "-c", text, MARK, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={"PATH": os.environ["PATH"], "ORCH_ITEM": "item"},
            start_new_session=True,
            check=False,
        )
    return result.returncode, (directory / "out").read_text(), records.read_text().splitlines()[1:]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_cannot_tell_where_it_runs(tmp_path: Path, shell: str, command: str) -> None:
    """Exit code, output and record are the same in every place that is at least as roomy as the one it needs."""
    places = ["inline", "subshell", "shell"]
    found = [
        _by_hand(shell, tmp_path / place, command, place) for place in places[places.index(place_to_run(command)) :]
    ]
    assert all(other == found[0] for other in found)
    assert found[0][2] == [f"exit stem {found[0][0]}"]


@pytest.mark.parametrize(
    "command",
    [
        "echo $$",
        "kill -9 ${$}",
        "echo $0",
        "echo ${0}",
        "echo $PPID",
        ". ./lib",
        'eval "$X"',
        "x; . lib",
        "echo $-",
        "set -e; false",
        "echo ${x?}",
    ],
)
def test_a_command_that_asks_for_its_shell_gets_one(command: str) -> None:
    """Where the difference could show, the command is run in a shell of its own."""
    assert place_to_run(command) == "shell"


def test_most_commands_need_no_shell_of_their_own() -> None:
    """The usual ones are run by the wrapper itself, or in a fork of it."""
    usual = ["true", "echo hello >file.txt", "make -C build all 2>&1", './deploy.sh "$ORCH_ITEM" && echo done']
    assert {command: place_to_run(command) for command in usual} == dict.fromkeys(usual, "inline")
    assert place_to_run('exec sh "$ORCH_PROVIDER_DIR/server.sh" create') == "subshell"


def test_the_text_in_the_process_list_has_no_comments() -> None:
    """Every process list shows the wrapper's text: its comments are left out."""
    assert not [line for line in read_text().splitlines() if not line or line.startswith("#")]
