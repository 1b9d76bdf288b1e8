# `batch retry`: run again what did not succeed, by the plan that was submitted or by the definition as it is now.

use ../complete.nu *
use ../internal/errors.nu blame
use ../internal/input.nu taken
use ../internal/plugin.nu require-plugin
use ../internal/retrying.nu
use ../internal/watching.nu

# Of a long value so many letters are shown, so many of them before the first that differs: a narrow terminal has 80.
const SHOWN_MAX = 64
const SHOWN_BEFORE = 20

# Run tasks of a workflow again.
#
# Without more all that have not succeeded; with an operation that one and all
# that depends on it. The plan is run that was submitted.
#
# With --with-latest the definition is read anew: what differs is shown, and
# after a yes (or with --yes) a new workflow goes on from there, which takes over
# the results that still hold. With --diff the differences are the value, and
# nothing is done.
#
# Given rows of `orch tasks`, or ids, it is those tasks, with one request for
# each workflow; the answer is a row for each: `error` is null, or says why it
# was refused. Checks (drift), and workflows that another one has continued, are
# left out of rows.
@category orch
@search-terms workflow again rerun restart repeat
@example "Run again what did not succeed" { batch retry wuji-full-deployment-4k7q0d }
@example "Run an operation again, and what depends on it" { batch retry wuji-full-deployment-4k7q0d first -w }
@example "Run again what did not succeed of several" { [wuji-full-deployment-4k7q0d] | batch retry }
@example "Run failed tasks again, of whatever workflow" {
  orch tasks --status failed | where priority > 5 | batch retry
}
@example "See what the definition as it is now would change" {
  batch retry wuji-full-deployment-4k7q0d --diff
  | where effect != 'result taken over'
}
@example "Go on by the definition as it is now" { batch retry wuji-full-deployment-4k7q0d --with-latest --yes }
export def "batch retry" [
  workflow_id?: string@"nu-complete batch retriable" # The workflow; else rows of tasks, or ids
  operation?: string@"nu-complete batch operations" # This operation, and all that depends on it
  --failed # Only what failed or timed out itself
  --all (-a) # Everything, successes too
  --with-latest # Go on by the definition as it is now
  --yes (-y) # With --with-latest: do not ask
  --diff # Only show what the definition as it is now would change
  --options: record # With --with-latest: values for its option()
  --layer: path # With --with-latest: lay this YAML over its values
  --watch (-w) # Follow it to its end
  --data-dir: directory # Data directory of the daemon
]: [nothing -> record, nothing -> table, string -> table, list<any> -> table, table -> table, record -> table, any -> any] {
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

# A difference as a person reads it: what becomes of the operation, then both values below each other.
def told []: record -> string {
  let it = $in
  let what = if ($it.what | is-empty) { $it.change } else { $"($it.change) ($it.what)" }
  let values = [$it.before $it.after] | each {|value| $value | on-one-line }
  let letters = $values | each {|text| $text | split chars --grapheme-clusters }
  let alike = $letters.0 | zip $letters.1 | take while {|pair| $pair.0 == $pair.1 } | length
  let begin = if $alike > $SHOWN_MAX - $SHOWN_BEFORE { $alike - $SHOWN_BEFORE } else { 0 }
  [
    $"($it.operation): ($what), ($it.effect)"
    ...(if $it.before == null { [] } else { [$"    before  ($letters.0 | cut-to $begin)"] })
    ...(if $it.after == null { [] } else { [$"    after   ($letters.1 | cut-to $begin)"] })
  ] | str join (char nl)
}

def on-one-line []: any -> string {
  let value = $in
  if $value == null { "" } else if ($value | describe) == "string" { $value } else { $value | to json --raw }
}

# So many letters from `begin` on, with a sign where some are left out.
def cut-to [begin: int]: list<string> -> string {
  let letters = $in
  let left = if $begin > 0 { "…" } else { "" }
  let right = if ($letters | length) > $begin + $SHOWN_MAX { "…" } else { "" }
  $"($left)($letters | skip $begin | first $SHOWN_MAX | str join)($right)"
}

# Shows what would differ, and asks; raises an error unless the answer is yes, or nobody can be asked.
def confirm [workflow: string, differences: table, yes: bool]: nothing -> nothing {
  let shown = $differences | where change != unchanged or effect != "result taken over"
  print --stderr (if ($shown | is-empty) { "Nothing differs." } else { $shown | each {|it| $it | told } | str join (char nl) })
  if $yes { return }
  if not $nu.is-interactive {
    error make --unspanned {
      msg: $"Nobody can be asked whether ($workflow) is to go on like this."
      help: "Add --yes; `--diff` gives the differences as a table."
    }
  }
  let answer = try { input "Go on like this? [y/N] " } catch { "" } # Ctrl-C is no
  if $answer !~ '(?i)^y(es)?$' {
    error make --unspanned {msg: "Nothing was done.", help: $"`batch retry ($workflow)` runs the pinned plan again."}
  }
}
