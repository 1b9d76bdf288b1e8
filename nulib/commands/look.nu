# The commands that look at workflows: list, status, logs.

use ../complete.nu *
use ../internal/errors.nu blame
use ../internal/input.nu [subjects-of taken workflows-of]
use ../internal/many.nu
use ../internal/nearby.nu
use ../internal/places.nu raise-at
use ../internal/plugin.nu require-plugin
use ../internal/progress.nu
use ../internal/short.nu [lines-in-short state-in-short tasks-in-short workflow-in-short]
use ../internal/words.nu [FORMATS]

# List workflows, newest first.
#
# `done` counts the tasks that have succeeded.
#
# With --long there is all that is known of each: also its name, why it ended
# as it did, and its tasks by status.
@category orch
@search-terms workflow overview
@example "All of them" { batch list }
@example "Those that failed or were cancelled" { batch list --status [failed cancelled] }
@example "Why the last three stand as they do" { batch list --limit 3 --long | select id status reason }
@example "How many there are of each status" { batch list | group-by status --to-table | update items { length } }
export def "batch list" [
  --status (-s): oneof<list<string>, string>@"nu-complete batch statuses" # Only with this status, or these
  --limit (-l): int # At most so many
  --all (-a) # Also those in the archive
  --long # All that is known of each
  --data-dir: directory # Data directory to read
]: nothing -> table {
  require-plugin
  let typed = {
    argument: (if $status != null { (metadata $status).span } else if $limit != null { (metadata $limit).span })
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
  }
  let workflows = blame $typed { orch workflows --status $status --limit $limit --all=$all --data-dir $data_dir }
  if $long { $workflows } else { $workflows | each {|it| $it | workflow-in-short } }
}

# Show the state of a workflow.
#
# The answer is a record with a table of its operations: `done` of their
# `tasks` have succeeded. With --tasks it is a table of its tasks instead, in
# the order of the definition. With --long there is all that is known, as in
# its file: an operation's `tasks` are counted by status there.
#
# With --format json or yaml it is text, of all there is. With --follow it is a
# stream of changes that ends with the workflow.
#
# Ids or rows in the pipeline are so many workflows: the answer is a row for
# each, with `error` null or the reason why there is none.
@category orch
@search-terms workflow progress state tasks
@example "The state of one workflow" { batch status wuji-full-deployment-4k7q0d }
@example "Its tasks" { batch status wuji-full-deployment-4k7q0d --tasks }
@example "Its operations that are not done" {
  batch status wuji-full-deployment-4k7q0d | get operations
  | where status != succeeded
}
@example "The same for another program" { batch status wuji-full-deployment-4k7q0d --format json }
@example "What has failed in the newest workflows" {
  batch list --limit 5 | batch status | get operations | flatten
  | where status == failed
}
@example "Tasks of the newest workflows that failed" {
  batch list --limit 5 | batch status --tasks | where status == failed
}
export def "batch status" [
  workflow_id?: string@"nu-complete batch workflows" # The workflow; else rows
  --tasks (-t) # A row for each of its tasks instead
  --follow (-f) # Stream its changes until it ends
  --format: string@"nu-complete batch formats" = "table" # table, json or yaml
  --long # All that is known, of its operations too
  --data-dir: directory # Data directory to read
]: [nothing -> record, nothing -> string, nothing -> table, string -> table, list<any> -> table, table -> table, record -> table, any -> any] {
  let input = taken
  require-plugin
  if $format not-in $FORMATS { raise-unknown $format (metadata $format).span }
  check-forms $tasks $long {--follow: $follow, --format: ($format != table)}
  let typed = {
    argument: (if $workflow_id != null { (metadata $workflow_id).span } else { $input.span })
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
  }
  if $workflow_id == null {
    let workflows = workflows-of $input status "batch list | batch status"
    if $follow or $format != table {
      let flag = if $follow { "--follow" } else { "--format" }
      error make --unspanned {
        msg: $"($flag) needs a workflow's id as argument."
        help: (if $follow { "`orch watch` follows all of them." } else { "… | batch status | to json" })
      }
    }
    return (if $tasks { $workflows | tasks-of-each $typed $data_dir } else { $workflows | states-of-each $typed $long $data_dir })
  }
  let state = blame $typed { orch workflow $workflow_id --data-dir $data_dir }
  if $tasks { return ($state | tasks-in-short $data_dir) }
  if not $follow { return ($state | in-format $format $long $data_dir) }
  if $state.finished_at != null { return [] }
  let from = $"(orch status --data-dir $data_dir | get epoch):($state.seq)"
  progress changes $workflow_id $from $data_dir | each {|change|
    # What goes wrong meanwhile comes as the last change, and is about no word of the user's.
    blame {argument: null, data_dir: null} { $change | change-in-format $format }
  }
}

# Show what the tasks of a workflow have printed.
#
# One row for each line, in the order of the operations, their items and
# attempts; with --follow as the lines come, until the workflow is over. With
# --long each row also tells the provider and the attempt. Control characters
# are taken out, so that no output can act on the terminal.
#
# Ids or rows in the pipeline are so many workflows, and a column says which;
# of rows of tasks it is just what those have printed.
@category orch
@search-terms workflow output stdout stderr print tail
@example "Everything that went to standard error" { batch logs wuji-full-deployment-4k7q0d --err }
@example "The text of one operation" {
  batch logs wuji-full-deployment-4k7q0d --operation install-k8s
  | get line | str join (char nl)
}
@example "Lines as they come, until it is over" {
  batch logs wuji-full-deployment-4k7q0d --follow
  | each {|it| print $it.line } | ignore
}
@example "The last words of failed tasks" {
  orch tasks --status failed | batch logs --err --tail 3
  | select operation item line
}
export def "batch logs" [
  workflow_id?: string@"nu-complete batch workflows" # The workflow, or a task; else rows
  --operation (-o): string@"nu-complete batch operations" # Only this operation
  --item (-i): string@"nu-complete batch items" # Only this item
  --err (-e) # Only standard error
  --tail (-t): int # Only the last so many lines of each log
  --follow (-f) # Go on until it is over
  --long # Also the provider and the attempt of each line
  --raw # Leave control characters in
  --data-dir: directory # Data directory to read
]: [nothing -> table, string -> table, list<any> -> table, table -> table, record -> table, any -> any] {
  let input = taken
  require-plugin
  let typed = {
    argument: (if $workflow_id != null { (metadata $workflow_id).span } else { $input.span })
    parts: {operation: (metadata $operation).span, item: (metadata $item).span}
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
    flags: [{label: "less than none", span: (metadata $tail).span}]
  }
  let named = if $workflow_id != null { [$workflow_id] } else { subjects-of $input logs "orch tasks --status failed | batch logs" }
  if $follow and ($named | length) > 1 {
    error make --unspanned {
      msg: "--follow needs the id of one workflow or task."
      help: "`batch monitor` shows how all of them go."
    }
  }
  # What is asked for is looked at first: behind a `try`, or a `return`, Nushell 0.107 gives no line before there is the last.
  let none = if $tail != null and $tail < 0 { $tail } else { 0 }
  let check = {|id| orch logs $id --operation $operation --item $item --err=$err --tail $none --data-dir $data_dir }
  let all = {|id|
    (orch logs $id --operation $operation --item $item --err=$err --tail $tail --follow=$follow --raw=$raw
      --data-dir $data_dir)
  }
  let lines = if $long { $all } else { {|id| do $all $id | lines-in-short } }
  if ($named | length) == 1 { blame $typed { do $check $named.0 | ignore } }
  if $workflow_id != null {
    do $lines $workflow_id
  } else if ($named | length) == 1 {
    do $lines $named.0 | of-workflow $named.0
  } else {
    $named | each {|id|
      try { do $lines $id | of-workflow $id } catch {|error| print --stderr $"Warning: ($error.msg)" }
    } | flatten
  }
}

# Raises an error if two flags ask for different forms of the answer.
def check-forms [tasks: bool, long: bool, others: record]: nothing -> oneof<nothing, error> {
  let form = $others | transpose name value | where value | get 0?.name
  let given = [(if $tasks { "--tasks" }) (if $long { "--long" }) $form] | compact
  if ($given | length) < 2 { return }
  let help = match $given {
    ["--tasks", "--long"] => "`orch tasks --workflow ID --long` gives all that is known of tasks."
    ["--long", _] => "As text there is always all that is known."
    _ => "Give one of them."
  }
  error make --unspanned {msg: $"($given.0) and ($given.1) say different things.", help: $help}
}

# A row of the state of each workflow, as a person looks at it unless `long`. `typed` as for `blame`.
def states-of-each [typed: record, long: bool, data_dir?: string]: list<string> -> table {
  let named = $in
  let states = many each-of $named $typed {|id| {id: $id, status: null} } {|id|
    let state = orch workflow $id --data-dir $data_dir
    if $long { $state } else { $state | state-in-short }
  }
  $states | each {|it| $it | move id status error --first }
}

# The tasks of each workflow, and a column says which; a line on standard error for one that cannot be read. `typed` as
# for `blame`.
def tasks-of-each [typed: record, data_dir?: string]: list<string> -> table {
  let named = $in
  let found = many each-of $named $typed {|id| {workflow: $id, rows: []} } {|id|
    {workflow: $id, rows: (orch workflow $id --data-dir $data_dir | tasks-in-short $data_dir)}
  }
  for it in ($found | where error != null) { print --stderr $"Warning: ($it.error)" }
  $found | each {|it| $it.rows | each {|row| {workflow: $it.workflow, ...$row} } } | flatten
}

# Raises an error about a format that is not there, under its name.
def raise-unknown [format: string, span: record]: nothing -> error {
  let message = {
    msg: $"Unknown format `($format)`."
    help: $"(nearby near $format $FORMATS)Formats are ($FORMATS | str join ', ')."
  }
  raise-at $span "not a format" $message
}

def of-workflow [id: string]: table -> table {
  insert workflow ($id | split row "." | first) | move workflow --first
}

# The state as it is asked for. As text it is what its file says: other programs know neither Nushell's times nor
# its durations.
def in-format [format: string, long: bool, data_dir?: string]: record -> any {
  let state = $in
  if $format == table { return (if $long { $state } else { $state | state-in-short }) }
  let file = open ($state | files-folder $data_dir | path join state.json)
  if $format == json { $file | to json } else { $file | to yaml }
}

# A change as it is asked for: as text one line of JSON, or one YAML document.
def change-in-format [format: string]: record -> any {
  let change = $in
  if $format == table { return $change }
  let plain = $change | update time { date to-timezone UTC | format date "%Y-%m-%dT%H:%M:%S%.6fZ" }
  if $format == json { $plain | to json --raw } else { $"---(char nl)($plain | to yaml)" }
}

def files-folder [data_dir?: string]: record -> string {
  let workflow = $in.id
  orch status --data-dir $data_dir | get data_dir | path join workflows $workflow
}
