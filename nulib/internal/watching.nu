# Following a workflow that was asked for something, to its end.

use errors.nu again
use progress.nu
use words.nu [FINAL_STATUSES]

# What Nushell says after Ctrl-C.
const INTERRUPTED = "Operation interrupted"

# The position of the journal now: what is followed from here misses nothing that comes.
export def cursor [data_dir?: string]: nothing -> string {
  let status = orch status --data-dir $data_dir
  $"($status.epoch):($status.seq)"
}

# Prints the changes behind `from` of the workflow in the daemon's answer until it ends; its final state. Raises an error
# in a script unless that is as `expected`: `exit` would close the user's shell. Raises one when the daemon goes away.
export def to-end [answer: record, from: string, data_dir?: string, --expected: string = "succeeded"]: nothing -> any {
  let workflow = $answer.workflow
  let undoing = $expected == rolled_back
  if ($answer.status? | default "") in $FINAL_STATUSES { return (at-once $answer $undoing $data_dir) }
  print --stderr $"($workflow)($answer | scope-of $undoing). Ctrl-C ends the watching only; ($workflow | remedy $undoing)."
  let last = try { progress show $workflow $from $answer.tasks $data_dir --undoing=$undoing } catch {|error|
    # No words of the user's are at fault, and those of this module say nothing.
    if $error.msg != $INTERRUPTED { again $error {argument: null, data_dir: null} }
  }
  if $last == null { goes-on $workflow } # not in the catch: Nushell 0.115 would show what was caught besides
  let state = progress state-at $last.seq $workflow $data_dir
  if $last.status != $expected and not $nu.is-interactive { raise-failed $last.status $state }
  # What the answer said was about the beginning.
  outcome $state (if "note" in $answer { $answer | update note "" } else { $answer })
}

# Says after Ctrl-C what becomes of the workflow. No more than this: a closure or a filter would be interrupted, too.
def goes-on [workflow: string]: nothing -> error {
  error make --unspanned {msg: $"($workflow) goes on.", help: $"To see it again: batch status ($workflow) --follow"}
}

# What is followed, behind the workflow's id.
def scope-of [undoing: bool]: record -> string {
  let answer = $in
  if $undoing and $answer.tasks == 0 { return " is being stopped first" }
  let tasks = if $answer.tasks == 1 { "1 task" } else { $"($answer.tasks) tasks" }
  $": ($tasks)(if $undoing { ' to be undone' })"
}

def remedy [undoing: bool]: string -> string {
  if $undoing { "it goes on" } else { $"`batch cancel ($in)` ends the workflow" }
}

# The state of a workflow that was over with the answer. Raises an error in a script if all of it was to be undone, and
# nothing could be.
def at-once [answer: record, undoing: bool, data_dir?: string]: nothing -> record {
  if $undoing and $answer.tasks == 0 and ($answer.kept? | default 0) > 0 and not $nu.is-interactive {
    error make --unspanned {
      msg: $"Workflow ($answer.workflow) is ($answer.status) as before. ($answer.note)"
      help: "An operation says how to undo it with rollback_command, or its provider does."
    }
  }
  outcome (orch workflow $answer.workflow --data-dir $data_dir) $answer
}

# How a workflow and its operations ended; with what the answer to a rollback said besides.
def outcome [state: record, answer: record]: nothing -> record {
  let ended = $state
  | select id name status reason duration operations
  | update operations {|it| $it.operations | select id status tasks last_error }
  if "kept" in $answer { $ended | insert kept $answer.kept | insert note $answer.note } else { $ended }
}

def raise-failed [status: string, state: record]: nothing -> error {
  let faults = $state.operations | where last_error != null | each {|it| $"($it.id): ($it.last_error)" }
  error make --unspanned {
    msg: ([$"Workflow ($state.id) ended as ($status)." ...$faults] | str join (char nl))
    help: $"`batch logs ($state.id) --err` shows what its tasks said."
  }
}
