# The commands `batch …` that steer a workflow: pause, resume, retry, rollback, resolve; and check.

use complete.nu *
use internal/errors.nu blame
use internal/plugin.nu require-plugin
use internal/retrying.nu
use internal/watching.nu

# Pause a workflow.
#
# Nothing new of it starts and delays stand still; what runs goes on to its end. With --now that is stopped, too, and
# begun again when the workflow is resumed. It stays paused until it is resumed or cancelled.
@category orch
@search-terms workflow hold suspend freeze
@example "Pause one" { batch pause wuji-full-deployment-4k7q0d }
@example "Pause one, and stop what runs" { batch pause wuji-full-deployment-4k7q0d --now }
export def "batch pause" [
  workflow_id: string@"nu-complete batch pausable" # The workflow
  --now (-n) # Also stop what runs, to be begun again
  --data-dir: directory # Data directory of the daemon
]: nothing -> record {
  require-plugin
  let typed = {argument: (metadata $workflow_id).span, data_dir: (if $data_dir != null { (metadata $data_dir).span })}
  blame $typed { orch pause $workflow_id --now=$now --data-dir $data_dir }
}

# Go on with a paused workflow.
@category orch
@search-terms workflow continue pause
@example "Go on with one" { batch resume wuji-full-deployment-4k7q0d }
@example "Go on with all that are paused" { batch list --status paused | each {|it| batch resume $it.id } }
export def "batch resume" [
  workflow_id: string@"nu-complete batch paused" # The workflow
  --data-dir: directory # Data directory of the daemon
]: nothing -> record {
  require-plugin
  let typed = {argument: (metadata $workflow_id).span, data_dir: (if $data_dir != null { (metadata $data_dir).span })}
  blame $typed { orch resume $workflow_id --data-dir $data_dir }
}

# Run tasks of a workflow again.
#
# Without more all that have not succeeded; with an operation that one and all that depends on it; given rows of
# `orch tasks` those tasks, with one request for each workflow, and a row of the answer for each: `error` is null, or says
# why it was refused. Checks (drift) and workflows that another one has continued are left out of rows; ids of workflows
# or tasks can be given as well. The plan is run that was submitted. With --with-latest the
# definition is read anew: what differs is shown, and after a yes (or with --yes) a new workflow goes on from there, which
# takes over the results that still hold. With --diff the differences are the value, and nothing is done.
@category orch
@search-terms workflow again rerun restart repeat
@example "Run again what did not succeed" { batch retry wuji-full-deployment-4k7q0d }
@example "Run an operation again, and what depends on it" { batch retry wuji-full-deployment-4k7q0d first --watch }
@example "Run again what did not succeed of several" { [wuji-full-deployment-4k7q0d] | batch retry }
@example "Run failed tasks again, of whatever workflow" { orch tasks --status failed | where priority > 5 | batch retry }
@example "See what the definition as it is now would change" { batch retry wuji-full-deployment-4k7q0d --diff | where effect != 'result taken over' }
@example "Go on by the definition as it is now" { batch retry wuji-full-deployment-4k7q0d --with-latest --yes }
export def "batch retry" [
  workflow_id?: string@"nu-complete batch retriable" # The workflow; without it rows of tasks are the input
  operation?: string@"nu-complete batch operations" # This operation, and all that depends on it
  --failed # Only what failed or timed out itself
  --all (-a) # Everything, successes too
  --with-latest # Go on by the definition as it is now
  --yes (-y) # With --with-latest: do not ask
  --diff # Only show what the definition as it is now would change
  --options: record # With --with-latest: values for option() in the definition
  --layer: path # With --with-latest: lay this YAML file over its values
  --watch (-w) # Follow it to its end
  --data-dir: directory # Data directory of the daemon
]: [nothing -> record, nothing -> table, table -> table, list<any> -> table, record -> table, string -> table] {
  let rows = $in
  require-plugin
  let latest = {--yes: $yes, --options: ($options != null), --layer: ($layer != null)}
  let whole = {--failed: $failed, --all: $all, --with-latest: $with_latest, --diff: $diff}
  retrying check-flags ({OPERATION: ($operation != null)} | merge $whole) $latest
  if $workflow_id == null {
    retrying check-rows $rows ($whole | merge $latest | merge {--watch: $watch})
    return (retrying rows $rows $data_dir)
  }
  let typed = {
    argument: (metadata $workflow_id).span
    part: (if $operation != null { (metadata $operation).span })
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
  }
  if $diff { return (blame $typed { differences $workflow_id $options $layer $data_dir }) }
  let digest = if $with_latest {
    let digest = blame $typed { digest-of $workflow_id $data_dir }
    let differences = blame $typed { differences $workflow_id $options $layer $data_dir }
    confirm $workflow_id $differences $yes
    $digest
  }
  let answer = blame $typed {
    (orch retry $workflow_id --from $operation --failed=$failed --all=$all --with-latest=$with_latest --digest $digest
      --options $options --layer $layer --data-dir $data_dir)
  }
  if $watch { watching to-end $answer $answer.cursor $data_dir } else { $answer | reject cursor }
}

# Undo what a workflow did.
#
# What runs is stopped, then what was done is undone in the reverse order; with --to only what came after that restore
# point. What cannot be undone stays. With --watch the command stays until the end; in a script it raises an error unless
# the workflow is rolled back then.
@category orch
@search-terms workflow undo revert restore
@example "Undo all of one" { batch rollback wuji-full-deployment-4k7q0d --watch }
@example "Undo what came after a restore point" { batch rollback wuji-full-deployment-4k7q0d --to start | get tasks }
export def "batch rollback" [
  workflow_id: string@"nu-complete batch undoable" # The workflow
  --to (-t): string@"nu-complete batch restore-points" # Only what came after this restore point
  --watch (-w) # Follow it to its end
  --data-dir: directory # Data directory of the daemon
]: nothing -> record {
  require-plugin
  let typed = {
    argument: (metadata $workflow_id).span
    part: (if $to != null { (metadata $to).span })
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
  }
  let answer = blame $typed { orch rollback $workflow_id --to $to --data-dir $data_dir }
  if $watch { watching to-end $answer $answer.cursor $data_dir --expected rolled_back } else { $answer | reject cursor }
}

# Say how a task ended that nobody knows the end of.
#
# Such a task has the status unknown: its attempt was lost with the machine, and it may be made at most once. As succeeded
# what waits for it starts. As failed it is a failure like any other: the retry policy holds, then on_failure. An operation
# with at_most_once has one attempt, unless it has a retry_policy of its own.
@category orch
@search-terms workflow unknown lost decide
@example "Say that it was done" { batch resolve wuji-full-deployment-4k7q0d.first.local.beta --as succeeded }
export def "batch resolve" [
  task_id: string@"nu-complete batch unknown-tasks" # The task
  --as: string@"nu-complete batch outcomes" # How it ended: succeeded or failed
  --data-dir: directory # Data directory of the daemon
]: nothing -> record {
  require-plugin
  let typed = {
    argument: (metadata $task_id).span
    part: (if $as != null { (metadata $as).span })
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
  }
  blame $typed { orch resolve $task_id --as $as --data-dir $data_dir }
}

# Look whether everything is still as a definition declares it (drift).
#
# Nothing is changed: the daemon runs the check of each item's provider in place of what would make it. One row for each
# of them; what nothing knows how to check is left out with a warning.
@category orch
@search-terms workflow drift verify audit
@example "Hold what there is against a definition" { batch check data/examples/wuji.k }
@example "What has drifted" { batch check data/examples/wuji.k | where is != 'as it should be' }
export def "batch check" [
  file: path # The definition (KCL)
  --name: string # Which workflow, where the definition holds several
  --options: record # Values for option() in the definition
  --environment (-e): string # What its values are for: DEFINITION.NAME.yaml is laid over them
  --layer: path # Lay this YAML file over its values instead
  --data-dir: directory # Data directory of the daemon
]: nothing -> table {
  require-plugin
  let typed = {argument: (metadata $file).span, data_dir: (if $data_dir != null { (metadata $data_dir).span })}
  blame $typed {
    orch check $file --name $name --options $options --env $environment --layer $layer --data-dir $data_dir
  }
}

# The digest of the workflow's definition now: what is shown is what is to be run.
def digest-of [workflow: string, data_dir?: string]: nothing -> oneof<string, nothing> {
  let file = orch workflow $workflow --data-dir $data_dir | get definition
  if not ($file | path exists) { return }
  $"sha256:(open --raw $file | hash sha256)"
}

def differences [workflow: string, options?: record, layer?: path, data_dir?: string]: nothing -> table {
  # A narrow terminal loses the last columns: what becomes of it counts for more than the values.
  orch retry $workflow --diff --options $options --layer $layer --data-dir $data_dir | each {|row| $row | move effect --before before }
}

# A value as a person compares it: on one line, of which a long one gives the beginning.
def in-short []: any -> any {
  let value = $in
  if $value == null { return }
  let text = if ($value | describe) == "string" { $value } else { $value | to json --raw }
  if ($text | str length --grapheme-clusters) <= 40 { $text } else { $"($text | str substring --grapheme-clusters 0..38)…" }
}

# Shows what would differ, and asks; raises an error unless the answer is yes, or nobody can be asked.
def confirm [workflow: string, differences: table, yes: bool]: nothing -> nothing {
  let shown = $differences | where change != unchanged or effect != "result taken over"
  | update before { in-short } | update after { in-short }
  print --stderr (if ($shown | is-empty) { "Nothing differs." } else { $shown | table })
  if $yes { return }
  if not $nu.is-interactive {
    error make --unspanned {
      msg: $"Nobody can be asked whether ($workflow) is to go on like this."
      help: "Add --yes; `--diff` gives the differences as a table."
    }
  }
  let answer = input "Go on like this? [y/N] "
  if $answer !~ '(?i)^y(es)?$' {
    error make --unspanned {msg: "Nothing was done.", help: $"`batch retry ($workflow)` runs the pinned plan again."}
  }
}
