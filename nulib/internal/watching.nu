# Following a workflow that was asked for something, to its end.

use counts.nu done-of-all
use errors.nu [INTERRUPTED again]
use progress.nu
use words.nu [FINAL_STATUSES]

# The position of the journal now: what is followed from here misses nothing that comes.
export def cursor [data_dir?: string]: nothing -> string {
  let status = orch status --data-dir $data_dir
  $"($status.epoch):($status.seq)"
}

# Prints the changes behind `from` of the workflow in the daemon's answer until it ends; its final state. Raises an error
# in a script unless that is as `expected`: `exit` would close the user's shell. Raises one when the daemon goes away and none has come for ten seconds.
export def to-end [answer: record, from: string, data_dir?: string, --expected: string = "succeeded"]: nothing -> any {
  let workflow = $answer.workflow
  let undoing = $expected == rolled_back
  if ($answer.status? | default "") in $FINAL_STATUSES { return (at-once $answer $undoing $data_dir) }
  print --stderr $"($workflow)($answer | scope-of $undoing). Ctrl-C ends the watching only; ($workflow | remedy $undoing)."
  let last = show-until-over $answer $from $data_dir --undoing=$undoing
  let state = progress state-at $last.seq $workflow $data_dir
  if $last.status != $expected and not $nu.is-interactive { raise-failed $last.status $state }
  outcome $state {} # what the answer said was about the beginning
}

# Follows each of the workflows in `answers` to its end, one after another, from the record `from` on; a row for each.
# Raises an error in a script unless all succeeded. Rows that say why there is none stay as they are.
export def each-to-end [answers: table, from: string, data_dir?: string]: nothing -> any {
  let count = $answers | where error == null | length
  print --stderr $"($count) workflows, one after another. Ctrl-C ends the watching only."
  mut ends = []
  for answer in $answers {
    let row = if $answer.error == null { $answer | followed $from $data_dir } else { {status: null, reason: $answer.error, duration: null} }
    $ends = ($ends | append {file: $answer.file, id: $answer.workflow, ...$row})
  }
  let ended = $ends
  let others = $ended | where status != succeeded
  if ($others | is-not-empty) and not $nu.is-interactive {
    error make --unspanned {
      msg: ($others | each {|it| $"($it.file): ($it.status | default 'not submitted')(if $it.reason == null { '' } else { $', ($it.reason)' })" } | str join (char nl))
      help: $"($others | length) of ($ended | length) did not succeed."
    }
  }
  $ended
}

# Prints the changes of a workflow from its `state` on until it ends; its final state. Unlike `to-end` it judges nothing.
export def as-it-goes [state: record, data_dir?: string]: nothing -> record {
  if $state.finished_at != null { return (outcome $state {}) }
  let answer = {workflow: $state.id, tasks: ($state.tasks | done-of-all | get tasks)}
  let from = $"(orch status --data-dir $data_dir | get epoch):($state.seq)"
  let over = $state.tasks | transpose status count | where status not-in [pending waiting_retry running] | get count | append 0 | math sum
  print --stderr $"($state.id)($answer | scope-of false), ($over) of them over. Ctrl-C ends the watching only."
  let last = show-until-over $answer $from $data_dir --over $over
  outcome (progress state-at $last.seq $state.id $data_dir) {}
}

# How the workflow of an answer ended; its changes are printed until then.
def followed [from: string, data_dir?: string]: record -> record {
  let answer = $in
  print --stderr $"($answer.workflow)($answer | scope-of false)."
  let last = show-until-over $answer $from $data_dir
  progress state-at $last.seq $answer.workflow $data_dir | select status reason duration
}

# Prints the changes of the workflow in `answer`; its last one. An error that says what goes on after Ctrl-C.
def show-until-over [answer: record, from: string, data_dir?: string, --undoing, --over: int = 0]: nothing -> record {
  let last = try { progress show $answer.workflow $from $answer.tasks $data_dir --undoing=$undoing --over $over } catch {|error|
    # No words of the user's are at fault, and those of this module say nothing.
    if $error.msg != $INTERRUPTED { again $error {argument: null, data_dir: null} }
  }
  if $last == null { goes-on $answer.workflow } # not in the catch: Nushell 0.115 would show what was caught besides
  $last
}

# Says after Ctrl-C what becomes of the workflow. No more than this: a closure or a filter would be interrupted, too.
def goes-on [workflow: string]: nothing -> error {
  error make --unspanned {msg: $"($workflow) goes on.", help: $"To see it again: batch monitor ($workflow)"}
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
  | update operations {|it| $it.operations | each {|one| {id: $one.id, status: $one.status, ...($one.tasks | done-of-all), last_error: $one.last_error} } }
  if "kept" in $answer { $ended | insert kept $answer.kept | insert note $answer.note } else { $ended }
}

def raise-failed [status: string, state: record]: nothing -> error {
  let faults = $state.operations | where last_error != null | each {|it| $"($it.id): ($it.last_error)" }
  error make --unspanned {
    msg: ([$"Workflow ($state.id) ended as ($status)." ...$faults] | str join (char nl))
    help: $"`batch logs ($state.id) --err` shows what its tasks said."
  }
}
