"""Bounds that more than one process must agree on. Each says what it protects."""

#: Priority of a workflow or operation; larger starts first (ruling A-50).
PRIORITY_MIN = -1000
PRIORITY_MAX = 1000

#: One request file in ``inbox/``; more is quarantined unread.
REQUEST_BYTES_MAX = 1 << 20

#: One definition file; more is refused before parsing.
DEFINITION_BYTES_MAX = 1 << 20

#: One JSON file of ours as a reader accepts it (a state.json of a large workflow is the biggest).
FILE_BYTES_MAX = 64 << 20

#: status.json, format.json, or one task file as a reader accepts it. A hand-written or hostile one that is larger
#: is told as a fault: parsed JSON takes many times the memory of its text.
SMALL_FILE_BYTES_MAX = 1 << 20

#: Length of an id that is also a file name (ruling A-67).
ID_LENGTH_MAX = 120

#: Tasks that may run at a time, unless ``serve --max-running`` says otherwise.
MAX_RUNNING_DEFAULT = 16

#: Seconds between two heartbeats in status.json.
HEARTBEAT_S = 2.0

#: Seconds between TERM and KILL of an attempt that has to stop (ruling A-12).
STOP_GRACE_S = 10.0

#: Attempts in a row that may be lost with the machine before the task fails.
INTERRUPTIONS_MAX = 3
