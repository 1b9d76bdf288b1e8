# Retrying what rows or ids name: several workflows with one command.

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

# Raises an error unless `rows` are something, and none of `flags` is given, which are about one workflow.
export def check-rows [rows: any, flags: record]: nothing -> nothing {
  if ($rows | describe --detailed | get type) not-in [list table record string] {
    error make --unspanned {
      msg: "Which workflow is to be retried?"
      help: "Name one, or give tasks: orch tasks --status failed | batch retry"
    }
  }
  let flag = $flags | given | get 0?
  if $flag != null {
    error make --unspanned {
      msg: $"($flag) needs a workflow's id as argument; of rows just the tasks in them are retried."
      help: $"For several: … | each {|id| batch retry $id ($flag) }"
    }
  }
}

# One request for each workflow that `given` names; their answers, and what was refused as `error`. An error if all were.
export def rows [given: any, data_dir?: string]: nothing -> table {
  let wanted = [$given] | flatten | each {|it| $it | meant } | worth-retrying $data_dir
  let answers = $wanted | get workflow | uniq | each {|workflow| $wanted | where workflow == $workflow | ask $data_dir }
  let refused = $answers | where error != null
  if ($refused | is-not-empty) and ($refused | length) == ($answers | length) {
    error make --unspanned {
      msg: ($refused | each {|it| $"($it.workflow): ($it.error)" } | str join (char nl))
      help: $"All that were asked for were refused: ($answers | length)."
    }
  }
  $answers
}

# What one row or id names: a workflow, one task of it or null for all, and whether it was named itself.
def meant []: any -> record {
  let it = $in
  let kind = $it | describe --detailed | get type
  let id = if $kind == string { $it } else if $kind == record { $it.id? | default "" }
  if ($id | describe) != "string" or ($id | is-empty) {
    error make --unspanned {msg: "These rows are not tasks: they lack `id` or `workflow`.", help: "Give rows of `orch tasks`."}
  }
  let parts = $id | split row --number 2 "."
  {workflow: $parts.0, task: (if ($parts | length) > 1 { $id }), named: ($kind == string)}
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

# The answer for rows of one workflow.
def ask [data_dir?: string]: table -> record {
  let wanted = $in
  let workflow = $wanted.0.workflow
  let tasks = if ($wanted | any {|it| $it.task == null }) { null } else { $wanted.task }
  try {
    orch retry $workflow --tasks $tasks --data-dir $data_dir | reject cursor | insert error null
  } catch {|error|
    {workflow: $workflow, status: null, tasks: 0, error: ($error.msg | str replace "Failed to retry: " "")}
  }
}

def given []: record -> list<string> {
  $in | transpose name value | where value | get name
}
