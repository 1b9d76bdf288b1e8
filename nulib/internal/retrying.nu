# Retrying what rows or ids name: several workflows with one command.

use input.nu [items-of named-id refuse task-id]
use many.nu

# How the name of a workflow ends that only checks what another one declares (drift).
const CHECK = " (check)"

# Raises an error unless the flags of `batch retry` fit each other. `choices`: {name: whether it was given} of those that
# say what is run again; `latest`: of those that need --with-latest.
export def check-flags [choices: record, latest: record]: nothing -> nothing {
  let chosen = $choices | given
  if ($chosen | length) > 1 {
    error make --unspanned {msg: $"($chosen.0) and ($chosen.1) say different things.", help: "Give one of them."}
  }
  let idle = $latest | given
  if ($idle | is-not-empty) and $chosen.0? not-in [--with-latest --diff] {
    error make --unspanned {msg: $"($idle.0) needs --with-latest.", help: "Otherwise the plan is run that was submitted."}
  }
}

# Raises an error if one of `flags` is given, which are about one workflow.
export def check-flags-of-rows [flags: record]: nothing -> nothing {
  let flag = $flags | given | get 0?
  if $flag != null {
    error make --unspanned {
      msg: $"($flag) needs a workflow's id as argument; of rows just the tasks in them are retried."
      help: $"For several: … | each {|id| batch retry $id ($flag) }"
    }
  }
}

# One request for each workflow that what was `taken` names; their answers, and what was refused as `error`. An error if all
# were; `typed` as for `blame`.
export def rows [input: record, typed: record, data_dir?: string]: nothing -> table {
  let items = items-of $input "Which workflow is to be retried?" "orch tasks --status failed | batch retry"
  for it in $items {
    if ($it | named-id) == null { refuse $input $it "ids or rows of tasks" "orch tasks --status failed | batch retry" }
  }
  let wanted = $items | each {|it| $it | meant } | worth-retrying $data_dir
  if ($wanted | is-empty) { return [] }
  let groups = $wanted | group-by workflow
  let nothing_known = {status: null, tasks: 0}
  many each-of ($groups | columns) $typed {|id| {workflow: $id} | merge $nothing_known } {|id|
    let rows = $groups | get ([$id] | into cell-path)
    let tasks = if ($rows | any {|it| $it.task == null }) { null } else { $rows.task }
    orch retry $id --tasks $tasks --data-dir $data_dir | reject cursor
  }
}

# What one row or id names: a workflow, one task of it or null for all, and whether it was named itself.
def meant []: any -> record {
  let it = $in
  {workflow: ($it | named-id | split row "." | first), task: ($it | task-id), named: (($it | describe) == "string")}
}

# Without rows of checks and of workflows that others have continued; a word on standard error tells of those.
def worth-retrying [data_dir?: string]: list -> table {
  let wanted = $in
  if ($wanted | is-empty) { return [] }
  let known = orch workflows --data-dir $data_dir
  let checks = $known | where {|it| ($it.name? | default "") | str ends-with $CHECK } | get id
  let continued = $known | where {|it| $it.continued_by? != null } | get id
  let left = $wanted | where {|it| not $it.named and $it.workflow in [...$checks ...$continued] } | get workflow | uniq
  for workflow in $left {
    let why = if $workflow in $checks { "a check; ask anew: batch check" } else { $"continued by ($known | where id == $workflow | get 0.continued_by)" }
    print --stderr $"($workflow) is left out: ($why)."
  }
  $wanted | where {|it| $it.named or $it.workflow not-in $left }
}

def given []: record -> list<string> {
  $in | transpose name value | where value | get name
}
