# Following a workflow: the changes that the daemon has written down, up to the workflow's last one.

use words.nu [COLOURS FINAL_STATUSES]

# How long the ends of workflows that were cancelled are waited for, together: as long as `orch cancel` waits for one.
const END_WAIT = 2sec

# Changes of `workflow` as they happen, beginning behind the cursor `from` and ending with the workflow. Raises an error
# when the daemon goes away before and none has come for ten seconds.
export def changes [workflow: string, from: string, data_dir?: string]: nothing -> list<record> {
  orch watch --workflow $workflow --from $from --until-done --data-dir $data_dir
}

# Prints one line for each change of a task until the workflow has ended; its last change. Lines go to standard
# error, so that a script can use what the command returns. `tasks`: how many there are, `over` of them over already. With `undoing` tasks are counted
# that are undone, which may be known only when what runs has been stopped.
export def show [workflow: string, from: string, tasks: int, data_dir?: string, --undoing, --over: int = 0]: nothing -> record {
  # As short as this because Nushell shows all of it when it is interrupted.
  changes $workflow $from $data_dir | reduce --fold {over: $over, begun: 0, undoing: $undoing} {|change, seen| $seen | tell $change $tasks } | get last
}

# Returns when the state of a submitted workflow can be read: the daemon answers when the submission is safe, and
# writes the file a moment later. What a script does next with the id must not meet that moment.
export def wait-for-state [workflow: string, data_dir?: string]: nothing -> nothing {
  1..500 | each {|_|
    try { orch workflow $workflow --data-dir $data_dir; true } catch { sleep 10ms; false }
  } | any {|is_there| $is_there } | ignore
}

# The workflow's state as of the record `seq`. Files are written a moment after the record; a file that stays behind,
# because the daemon is gone, is returned as it is.
export def state-at [seq: int, workflow: string, data_dir?: string]: nothing -> record {
  let state = 1..500 | each {|_|
    let state = orch workflow $workflow --data-dir $data_dir
    if $state.seq < $seq { sleep 10ms }
    $state
  } | where seq >= $seq | get 0?
  if $state == null { orch workflow $workflow --data-dir $data_dir } else { $state }
}

# Answers of `orch cancel --no-wait`, each with the status that the workflow has when what ran of it has been stopped, or
# when that has been waited for long enough.
export def settled [data_dir?: string]: table -> table {
  let answers = $in
  let deadline = (date now) + $END_WAIT
  $answers | each {|it|
    if $it.error != null or $it.status in $FINAL_STATUSES { $it } else {
      let status = status-by $it.workflow $it.status $deadline $data_dir
      $it | update status $status | update note (if $status in $FINAL_STATUSES { "" } else { $it.note })
    }
  }
}

# The status of a workflow when it is over, or at the `deadline`; `known` if that cannot be read.
def status-by [workflow: string, known: string, deadline: datetime, data_dir?: string]: nothing -> string {
  mut status = $known
  loop {
    $status = try { orch workflow $workflow --data-dir $data_dir | get status } catch { $known }
    if $status in $FINAL_STATUSES or (date now) > $deadline { break }
    sleep 10ms
  }
  $status
}

# Prints `change`; what has been seen with it: how many tasks are over, and began to be undone, when the first change was,
# the last one.
def tell [change: record, tasks: int]: record -> record {
  let undoing = $in.undoing
  let over = $in.over + (if ($change | ends-task $undoing) { 1 } else { 0 })
  let begun = $in.begun + (if $change.task != null and $change.status == rolling_back { 1 } else { 0 })
  let total = if $undoing { [$tasks $begun] | math max } else { $tasks }
  let began = $in.began? | default $change.time
  if $change.task != null and $change.status != pending {
    print --stderr ($change | line ($change.time - $began) (if $total == 0 { "" } else { $"($over)/($total)" }))
  }
  {over: $over, begun: $begun, undoing: $undoing, began: $began, last: $change}
}

# Prints a change of a task of whatever workflow, as it happens.
export def tell-of [change: record]: nothing -> nothing {
  if $change.task == null or $change.status == pending { return }
  let parts = $change.task | split row --number 4 "."
  let time = $change.time | date to-timezone local | format date "%H:%M:%S"
  let status = $change.status | fill --width 15 | paint $change.status
  print --stderr $"($time)  ($status)  ($parts.0 | fill --width 24)  ($parts.1 | fill --width 16)  ($parts.3)($change | note)"
}

# Whether a task has come to its end; what a rollback makes of it afterwards does not count again.
def ends-task [undoing: bool]: record -> bool {
  let unfinished = if $undoing { [rolling_back] } else { [null "" pending waiting_retry running] }
  $in.task != null and $in.previous_status in $unfinished and $in.status not-in $unfinished
}

# `  1.2s   3/10  succeeded     install-base      resolv`, with what is worth knowing about it.
def line [elapsed: duration, count: string]: record -> string {
  let change = $in
  let parts = $change.task | split row --number 4 '.'
  let seconds = $elapsed / 1sec | into string --decimals 1 | fill --alignment right --width 6
  let status = $change.status | fill --width 15 | paint $change.status
  $"($seconds)s ($count | fill --alignment right --width 7)  ($status)  ($parts.1 | fill --width 16)  ($parts.3)($change | note)"
}

# What is worth knowing about a change besides, behind two blanks.
def note []: record -> string {
  let change = $in
  match $change.status {
    running => (if $change.attempt > 1 { $"  attempt ($change.attempt)" } else { "" })
    _ => (if ($change.reason | is-empty) { "" } else { $"  ($change.reason)" })
  }
}

def paint [status: string]: string -> string {
  let text = $in
  let colour = $COLOURS | get --optional $status
  if $colour == null or "NO_COLOR" in $env or not (is-terminal --stderr) { return $text }
  $"(ansi $colour)($text)(ansi reset)"
}
