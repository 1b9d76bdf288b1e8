# `batch retry`: run again what did not succeed, by the plan that was submitted or by the definition as it is now.

use ../complete.nu *
use ../internal/errors.nu blame
use ../internal/input.nu taken
use ../internal/plugin.nu require-plugin
use ../internal/retrying.nu
use ../internal/watching.nu

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
]: [nothing -> record, nothing -> table, string -> table, list<any> -> table, table -> table, record -> table] {
  let input = taken
  require-plugin
  let latest = {--yes: $yes, --options: ($options != null), --layer: ($layer != null)}
  let whole = {--failed: $failed, --all: $all, --with-latest: $with_latest, --diff: $diff}
  retrying check-flags ({OPERATION: ($operation != null)} | merge $whole) $latest
  if $workflow_id == null {
    retrying check-flags-of-rows ($whole | merge $latest | merge {--watch: $watch})
    let typed = {argument: $input.span, data_dir: (if $data_dir != null { (metadata $data_dir).span })}
    return (retrying rows $input $typed $data_dir)
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
