# What Tab offers. A completer never raises: where nothing can be read, nothing is offered.

use internal/ages.nu ago
use internal/words.nu [FINAL_STATUSES FORMATS WORKFLOW_STATUSES]

# Ids of all workflows, newest first.
export def "nu-complete batch workflows" [context: string]: nothing -> record {
  $context | known-workflows | offer-workflows
}

# Ids of the workflows that have not ended, newest first.
export def "nu-complete batch unfinished" [context: string]: nothing -> record {
  $context | known-workflows | where status not-in $FINAL_STATUSES | offer-workflows
}

# Statuses a workflow can have.
export def "nu-complete batch statuses" []: nothing -> list<string> {
  $WORKFLOW_STATUSES
}

# Forms in which a status is given.
export def "nu-complete batch formats" []: nothing -> list<string> {
  $FORMATS
}

# Operations of the workflow that is named in the line typed so far, in the order of its definition.
export def "nu-complete batch operations" [context: string]: nothing -> record {
  let operations = $context | named-operations | each {|operation|
    {value: $operation.id, description: $"($operation.status), ($operation.type) ($operation.target)"}
  }
  {options: {sort: false}, completions: $operations}
}

# Items of the workflow that is named in the line typed so far, those of `--operation` if that is given.
export def "nu-complete batch items" [context: string]: nothing -> record {
  let operation = $context | value-after operation
  let items = $context | named-operations | where {|it| $operation == null or $it.id == $operation }
  | each {|it| $it.items | each {|item| {value: $item.item, description: $"($it.id), ($item.status)"} } }
  | flatten
  {options: {sort: false}, completions: $items}
}

# Ids of the workflows that can be paused, newest first.
export def "nu-complete batch pausable" [context: string]: nothing -> record {
  $context | known-workflows | where status in [queued running rolling_back] | offer-workflows
}

# Ids of the workflows that are paused, newest first.
export def "nu-complete batch paused" [context: string]: nothing -> record {
  $context | known-workflows | where status == paused | offer-workflows
}

# Ids of the workflows that can be retried, newest first: those that have ended, and those that may have tasks whose end
# is unknown.
export def "nu-complete batch retriable" [context: string]: nothing -> record {
  $context | known-workflows | where status in [running ...$FINAL_STATUSES] | not-continued | offer-workflows
}

# Ids of the workflows that can be rolled back, newest first.
export def "nu-complete batch undoable" [context: string]: nothing -> record {
  $context | known-workflows | where status not-in [rolling_back rolled_back] | not-continued | offer-workflows
}

# Restore points of the workflow that is named in the line typed so far, oldest first.
export def "nu-complete batch restore-points" [context: string]: nothing -> record {
  let points = $context | named-workflow | get checkpoints? | default [] | each {|point|
    {value: $point.name, description: $"($point.operations) operations and ($point.tasks) tasks done"}
  }
  {options: {sort: false}, completions: $points}
}

# Ids of the tasks whose end is unknown.
export def "nu-complete batch unknown-tasks" [context: string]: nothing -> record {
  let data_dir = $context | value-after data-dir
  let tasks = try { orch tasks --status unknown --data-dir $data_dir } catch { [] }
  {options: {sort: false}, completions: ($tasks | each {|it| {value: $it.id, description: $"($it.operation?), ($it.item?)"} })}
}

# Environments of the definition that is named in the line typed so far: NAME of each DEFINITION.NAME.yaml beside it.
export def "nu-complete batch environments" [context: string]: nothing -> list<string> {
  let file = $context | parse --regex r#'[\s=](?<file>"[^"]+\.k"|'[^']+\.k'|`[^`]+\.k`|[^\s"'`]+\.k)(?:\s|$)'# | get 0?.file
  if $file == null { return [] }
  let path = $file | str trim --char '"' | str trim --char "'" | str trim --char '`' | path expand --no-symlink
  let begin = $path | path basename | str replace --regex '\.k$' "."
  let found = try { ls ($path | path dirname) } catch { [] }
  $found.name | path basename | where {|it| ($it | str starts-with $begin) and ($it | str ends-with .yaml) }
  | str replace $begin "" | str replace --regex '\.yaml$' ""
}

# How a task may have ended.
export def "nu-complete batch outcomes" []: nothing -> list<string> {
  [succeeded failed]
}

def known-workflows []: string -> table {
  let data_dir = $in | value-after data-dir
  try { orch workflows --data-dir $data_dir } catch { [] }
}

# Those that no other workflow has continued: with the others nothing is done any more.
def not-continued []: table -> table {
  where {|it| $it.continued_by? == null }
}

def named-operations []: string -> list {
  $in | named-workflow | get operations? | default []
}

# The state of the workflow that is named in the line typed so far, empty if there is none.
def named-workflow []: string -> record {
  let data_dir = $in | value-after data-dir
  let workflow = $in | typed-workflow
  try { orch workflow $workflow --data-dir $data_dir } catch { {} }
}

# The id in the line typed so far: the first word that looks like one, wherever flags stand; else the one behind the verb.
def typed-workflow []: string -> oneof<string, nothing> {
  let words = $in | parse --regex 'batch (?:logs|retry|rollback)\s+(?<words>.*)' | get 0?.words | default "" | split row --regex '\s+'
  $words | where $it =~ '^[\w-]+-[0-9a-z]{6}(\.|$)' | append ($words | where $it =~ '^[^-]') | get 0? | default "" | split row "." | first
}

def offer-workflows []: table -> record {
  let completions = $in | each {|it| {value: $it.id, description: ($it | told) } }
  {options: {sort: false}, completions: $completions}
}

# How a workflow stands, and how old that is: runs of one name differ by nothing else that a person knows.
def told []: record -> string {
  let it = $in
  if $it.status in $FINAL_STATUSES {
    $"($it.status)(ago ', ' ($it.finished_at? | default $it.created_at?))"
  } else {
    $"($it.status)(ago ', begun ' $it.created_at?)"
  }
}

# The value of a flag in the line typed so far, null without it.
def value-after [flag: string]: string -> oneof<string, nothing> {
  $in | parse --regex $"--($flag)[ =]['\"`]?\(?<value>[^\\s'\"`]+\)" | get 0?.value
}
