# The commands that ask the daemon for something about workflows: cancel, pause, resume, rollback, resolve.

use ../complete.nu *
use ../internal/errors.nu blame
use ../internal/input.nu [taken tasks-of workflows-of]
use ../internal/many.nu
use ../internal/plugin.nu require-plugin
use ../internal/progress.nu
use ../internal/watching.nu

# Cancel a workflow.
#
# Nothing new is started, what runs is ended (TERM, then KILL after a grace).
# The answer comes when it is cancelled, or after two seconds if what runs takes
# longer to end: `status` is what it still is then, and `note` says so.
#
# Ids or rows of workflows in the pipeline are all cancelled; the answer is a
# row for each, with `error` null or the reason why it was refused.
@category orch
@search-terms workflow stop abort kill
@example "Cancel one" { batch cancel wuji-full-deployment-4k7q0d }
@example "Cancel all that still run" { batch list --status running | batch cancel }
export def "batch cancel" [
  workflow_id?: string@"nu-complete batch unfinished" # The workflow; else ids or rows
  --data-dir: directory # Data directory of the daemon
]: [nothing -> record, string -> table, list<any> -> table, table -> table, record -> table, any -> any] {
  let input = taken
  require-plugin
  let typed = {
    argument: (if $workflow_id != null { (metadata $workflow_id).span } else { $input.span })
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
  }
  if $workflow_id == null {
    let workflows = workflows-of $input cancel "batch list --status running | batch cancel" --whole
    # All are asked for before any is waited for.
    let answers = many each-of $workflows $typed {|id| {workflow: $id, status: null, note: ""} } {|id|
      orch cancel $id --no-wait --data-dir $data_dir
    }
    return ($answers | progress settled $data_dir)
  }
  blame $typed { orch cancel $workflow_id --data-dir $data_dir }
}

# Pause a workflow.
#
# Nothing new of it starts and delays stand still; what runs goes on to its end.
# With --now that is stopped, too, and begun again when the workflow is resumed.
# It stays paused until it is resumed or cancelled.
#
# Ids or rows in the pipeline are paused one after another; the answer is a row
# for each, with `error` null or the reason why it was refused.
@category orch
@search-terms workflow hold suspend freeze
@example "Pause one" { batch pause wuji-full-deployment-4k7q0d }
@example "Pause one, and stop what runs" { batch pause wuji-full-deployment-4k7q0d --now }
@example "Pause whatever has tasks on a provider" {
  orch tasks --status running --long | where provider == local | batch pause
}
export def "batch pause" [
  workflow_id?: string@"nu-complete batch pausable" # The workflow; else ids or rows
  --now (-n) # Also stop what runs, to be begun again
  --data-dir: directory # Data directory of the daemon
]: [nothing -> record, string -> table, list<any> -> table, table -> table, record -> table, any -> any] {
  let input = taken
  require-plugin
  let pause = {|id| orch pause $id --now=$now --data-dir $data_dir }
  let typed = {
    argument: (if $workflow_id != null { (metadata $workflow_id).span } else { $input.span })
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
  }
  if $workflow_id == null {
    return (workflows-of $input pause "batch list --status running | batch pause" | each-workflow $typed $pause)
  }
  blame $typed { do $pause $workflow_id }
}

# Go on with a paused workflow.
#
# It starts again what `batch pause --now` had stopped. Ids or rows in the
# pipeline are resumed one after another; the answer is a row for each, with
# `error` null or the reason why it was refused.
@category orch
@search-terms workflow continue pause
@example "Go on with one" { batch resume wuji-full-deployment-4k7q0d }
@example "Go on with all that are paused" { batch list --status paused | batch resume }
export def "batch resume" [
  workflow_id?: string@"nu-complete batch paused" # The workflow; else ids or rows
  --data-dir: directory # Data directory of the daemon
]: [nothing -> record, string -> table, list<any> -> table, table -> table, record -> table, any -> any] {
  let input = taken
  require-plugin
  let resume = {|id| orch resume $id --data-dir $data_dir }
  let typed = {
    argument: (if $workflow_id != null { (metadata $workflow_id).span } else { $input.span })
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
  }
  if $workflow_id == null {
    return (workflows-of $input resume "batch list --status paused | batch resume" | each-workflow $typed $resume)
  }
  blame $typed { do $resume $workflow_id }
}

# Undo what a workflow did.
#
# What runs is stopped, then what was done is undone in the reverse order; with
# --to only what came after that restore point. What cannot be undone stays:
# `kept` counts such tasks, and `note` says what is to be said. With --watch the
# command stays until the end; in a script it raises an error unless the
# workflow is rolled back then.
#
# Ids or rows of workflows in the pipeline are asked for one after another; the
# answer is a row for each, with `error` null or the reason of the refusal.
@category orch
@search-terms workflow undo revert restore
@example "Undo all of one" { batch rollback wuji-full-deployment-4k7q0d --watch }
@example "Undo what came after a restore point" { batch rollback wuji-full-deployment-4k7q0d --to start }
@example "Undo all that failed in the last hour" {
  batch list --status failed
  | where created_at > (date now) - 1hr | batch rollback
}
export def "batch rollback" [
  workflow_id?: string@"nu-complete batch undoable" # The workflow; else ids or rows
  --to (-t): string@"nu-complete batch restore-points" # Only what came after this restore point
  --watch (-w) # Follow it to its end
  --data-dir: directory # Data directory of the daemon
]: [nothing -> record, string -> table, list<any> -> table, table -> table, record -> table, any -> any] {
  let input = taken
  require-plugin
  let undo = {|id| orch rollback $id --to $to --data-dir $data_dir }
  let typed = {
    argument: (if $workflow_id != null { (metadata $workflow_id).span } else { $input.span })
    part: (if $to != null { (metadata $to).span })
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
  }
  if $workflow_id == null {
    let workflows = workflows-of $input rollback "batch list --status failed | batch rollback" --whole
    if $watch {
      error make --unspanned {
        msg: "--watch needs a workflow's id as argument."
        help: "For several: … | each {|it| batch rollback $it.id --watch }"
      }
    }
    let nothing_known = {status: null, tasks: 0, note: ""}
    return (many each-of $workflows $typed {|id| {workflow: $id} | merge $nothing_known } {|id| do $undo $id | reject cursor })
  }
  let answer = blame $typed { do $undo $workflow_id }
  if $watch { watching to-end $answer $answer.cursor $data_dir --expected rolled_back } else { $answer | reject cursor }
}

# Say how a task ended that nobody knows the end of.
#
# Such a task has the status unknown: its attempt was lost with the machine, and
# it may be made at most once.
#
# As succeeded what waits for it starts. As failed it is a failure like any
# other: the retry policy holds, then on_failure. An operation with at_most_once
# has one attempt, unless it has a retry_policy of its own.
#
# Ids or rows of tasks in the pipeline are settled alike; the answer is a row for
# each, with `error` null or the reason why it was refused.
@category orch
@search-terms workflow unknown lost decide
@example "Say that it was done" {
  batch resolve wuji-full-deployment-4k7q0d.first.local.beta --as succeeded
}
@example "Say so of all of an operation" {
  orch tasks --status unknown --operation first | batch resolve --as succeeded
}
export def "batch resolve" [
  task_id?: string@"nu-complete batch unknown-tasks" # The task; else ids or rows of tasks
  --as: string@"nu-complete batch outcomes" # How it ended: succeeded or failed
  --data-dir: directory # Data directory of the daemon
]: [nothing -> record, string -> table, list<any> -> table, table -> table, record -> table, any -> any] {
  let input = taken
  require-plugin
  let resolve = {|id| orch resolve $id --as $as --data-dir $data_dir }
  let typed = {
    argument: (if $task_id != null { (metadata $task_id).span } else { $input.span })
    part: (if $as != null { (metadata $as).span })
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
  }
  if $task_id == null {
    let tasks = tasks-of $input resolve "orch tasks --status unknown | batch resolve --as failed"
    let nothing_known = {status: null}
    return (many each-of $tasks $typed {|id| {workflow: ($id | split row "." | first), task: $id} | merge $nothing_known } $resolve)
  }
  blame $typed { do $resolve $task_id }
}

# One request for each workflow; a row of its answer for each. `typed` as for `blame`.
def each-workflow [typed: record, ask: closure]: list<string> -> table {
  many each-of $in $typed {|id| {workflow: $id, status: null} } $ask
}
