# Following a workflow that was asked for something, to its end.

use progress.nu
use words.nu [FINAL_STATUSES]

# The position of the journal now: what is followed from here misses nothing that comes.
export def cursor [data_dir?: string]: nothing -> string {
  let status = orch status --data-dir $data_dir
  $"($status.epoch):($status.seq)"
}

# Prints the changes behind `from` of the workflow in the daemon's answer until it ends; its final state. Raises an error
# in a script unless that is as `expected`: `exit` would close the user's shell.
export def to-end [answer: record, from: string, data_dir?: string, --expected: string = "succeeded"]: nothing -> any {
  let workflow = $answer.workflow
  if ($answer.status? | default "") in $FINAL_STATUSES { return (outcome (orch workflow $workflow --data-dir $data_dir)) }
  let undoing = $expected == rolled_back
  let remedy = if $undoing { "it goes on" } else { $"`batch cancel ($workflow)` ends the workflow" }
  print --stderr $"($workflow): ($answer.tasks) tasks. Ctrl-C ends the watching only; ($remedy)."
  let last = progress show $workflow $from $answer.tasks $data_dir --undoing=$undoing
  let state = progress state-at $last.seq $workflow $data_dir
  if $last.status != $expected and not $nu.is-interactive { raise-failed $last.status $state }
  outcome $state
}

# How a workflow and its operations ended.
def outcome [state: record]: nothing -> record {
  $state
  | select id name status reason duration operations
  | update operations {|it| $it.operations | select id status tasks last_error }
}

def raise-failed [status: string, state: record]: nothing -> error {
  let faults = $state.operations | where last_error != null | each {|it| $"($it.id): ($it.last_error)" }
  error make --unspanned {
    msg: ([$"Workflow ($state.id) ended as ($status)." ...$faults] | str join (char nl))
    help: $"`batch logs ($state.id) --err` shows what its tasks said."
  }
}
