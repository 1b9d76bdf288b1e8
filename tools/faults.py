"""The faults that docs/faults.md tells of, and the table drawn from what ``make soak`` recorded."""

from __future__ import annotations

from typing import Any

#: {id: (what goes wrong, how it is brought about)}.
FAULTS = {
    "F01": ("kill -9 at every write", "a simulated crash before, in and after every changing call"),
    "F02": ("kill -9 at any time", "simulated crashes at random times; a real daemon killed at random times"),
    "F03": ("power cut: unsynced data are lost", "simulated: any sectors and names since the last sync, in any order"),
    "F04": ("torn end of the journal", "cut after every byte; later half of a batch kept"),
    "F05": ("changed bytes", "journal and snapshots, at every place"),
    "F06": ("full disk", "ENOSPC for seconds, simulated; small ext4 and tmpfs filled up"),
    "F07": ("EIO on write and on sync", "simulated; ext4 made to give up (remount,abort)"),
    "F08": ("read-only, no permission, no descriptors", "EROFS, EACCES, EMFILE simulated; immutable folder, ulimit -n"),
    "F09": ("short writes", "simulated (Python itself repeats a call that a signal interrupts)"),
    "F10": ("wall clock set by an hour or a day, both ways", "simulated"),
    "F11": ("slow disk, 50 to 500 ms a sync", "simulated"),
    "F12": ("many daemons on one directory", "20 started at once; stale and foreign lock texts"),
    "F13": ("readers while files are rewritten", "reader processes beside a busy daemon"),
    "F14": ("files that are no JSON, huge, deep, NaN", "corpus"),
    "F15": ("ids that lead out of the directory", "corpus"),
    "F16": ("links, FIFOs, folders in the place of files", "planted in a data directory at work"),
    "F19": ("floods of output", "hundreds of MB (gigabytes in the soak), with and without newlines"),
    "F20": ("children that do not end", "ignore TERM, fork twice, hold pipes, stop themselves, zombies"),
    "F21": ("daemon killed while children run", "at every line of the wrapper; at random times"),
    "F22": ("crash while a retry waits", "simulated"),
    "F23": ("crash while undoing", "simulated"),
    "F26": ("reboot", "simulated power cuts with another boot id and new clocks"),
    "F28": ("lost and missing notifications", "exhausted and overflowing inotify"),
    "F29": ("older and newer data", "golden directories of every format; newer formats"),
    "F30": ("slots that leak", "counted after every way a task can end, in random histories"),
    "F31": ("very many tasks", "wide and deep plans"),
    "F32": ("idle with much at rest", "CPU time of a daemon with finished workflows"),
    "F33": ("everything at once, for long", "all of the simulated faults in random histories"),
    "F34": ("replay is not deterministic", "replayed twice, under other hash seeds"),
    "F35": ("inbox: half, twice, foreign, very many requests", "dropped into a directory at work"),
}

#: Faults that every simulated history may meet, by the name under which it counts them.
_COUNTED = {
    "F06": ("ENOSPC",),
    "F07": ("EIO on write", "EIO on sync"),
    "F08": ("EROFS", "EACCES", "EMFILE"),
    "F09": ("short write",),
    "F10": ("clock set",),
    "F11": ("slow disk",),
}


def table(result: dict[str, Any]) -> list[str]:
    """The lines of the table, from docs/faults.json."""
    simulation, tests = result["simulation"], result["tests"]
    broken = len(simulation["broken"])
    lines = [
        "| | fault | how | simulated | in tests, real machine included | lost or broken |",
        "|---|---|---|---|---|---|",
    ]
    for name, (fault, how) in FAULTS.items():
        counts = tests.get(name, {"runs": 0, "failed": 0, "not_run": 0})
        not_run = f" ({counts['not_run']} not run here)" if counts["not_run"] else ""
        simulated = _simulated(name, simulation)
        lost = counts["failed"] + (broken if simulated != "" else 0)
        lines.append(f"| {name} | {fault} | {how} | {simulated} | {counts['runs']:,}{not_run} | {lost} |")
    return lines


def _simulated(name: str, simulation: dict[str, Any]) -> str:
    if name in ("F01", "F02"):
        return f"{simulation['crash_points']:,} crashes"
    if name in ("F03", "F26"):
        return f"{simulation['power_cuts']:,} power cuts"
    if name in ("F22", "F23", "F30", "F33"):
        return f"{simulation['histories']:,} histories"
    if name in _COUNTED:
        return f"{sum(simulation['faults'].get(what, 0) for what in _COUNTED[name]):,} times"
    return ""


def document(result: dict[str, Any], note: str) -> str:
    """docs/faults.md."""
    simulation = result["simulation"]
    return "\n".join(
        [
            "# Faults, and what became of them",
            note,
            "",
            f"Of one run of `{result['command']}` ({result['seconds'] // 60} minutes; `make soak`).",
            "Simulated: the whole daemon on a virtual machine (tests/simulation), judged from outside: every",
            "acknowledged workflow is there after every restart, no attempt starts twice, no dependency is violated,",
            "no policy exceeded, every public file equals the replay of the journal at the record it shows, nothing",
            "counts as running without a process, every file parses, and no process outlives its task. Tests: those",
            "marked `fault`, on this machine.",
            "",
            f"{simulation['histories']:,} histories, {simulation['crash_points']:,} crashes (of them",
            f"{simulation['power_cuts']:,} power cuts), {simulation['records']:,} records;",
            f"{len(simulation['broken'])} histories broke something.",
            "",
            *table(result),
            "",
            "What these tests found on the way, and how to see it again: [found-bugs.md](found-bugs.md).",
            "",
        ]
    )
