# The commands `batch …`.

use complete.nu *
use internal/errors.nu blame
use internal/logs.nu
use internal/plugin.nu require-plugin
use internal/progress.nu
use internal/words.nu [FORMATS]

# Submit a workflow.
#
# Without flags the daemon of the data directory takes the definition and runs it; the answer is the
# workflow's id and plan. With --watch the command stays until the end: it prints a line whenever a task
# changes, then gives how the workflow and its operations ended. In a script it raises an error unless the
# workflow succeeded.
@category orch
@search-terms workflow run start kcl
@example "Submit a definition and follow it to its end" { batch submit data/examples/wuji.k --watch }
@example "See in which order it would run" { batch submit data/examples/wuji.k --dry-run | select wave operation }
@example "Check it, and submit it in a script" { batch submit data/examples/wuji.k --validate | get valid } --result true
export def "batch submit" [
  file: path # The definition (KCL)
  --validate # Only check the definition, as `orch validate` does
  --dry-run # Only show the waves in which its operations would run
  --watch (-w) # Follow it to its end
  --name: string # Which workflow, where the definition holds several
  --priority: int # Larger starts first; overrides the definition
  --options: record # Values for option() in the definition
  --data-dir: directory # Data directory of the daemon
]: [nothing -> record, nothing -> table] {
  require-plugin
  let typed = {argument: (metadata $file).span, data_dir: (if $data_dir != null { (metadata $data_dir).span })}
  if $validate { return (blame $typed { orch validate $file --data-dir $data_dir }) }
  if $dry_run { return (blame $typed { waves $file $name $data_dir }) }
  let before = if $watch { blame $typed { cursor $data_dir } }
  let submitted = blame $typed {
    orch submit $file --name $name --priority $priority --options $options --data-dir $data_dir
  }
  if $watch { return (watch-to-end $submitted $before $data_dir) }
  progress wait-for-state $submitted.workflow $data_dir
  $submitted
}

# Show the state of a workflow.
#
# The answer is a record with a table of its operations. With --format json or yaml it is text. With --follow
# it is a stream of changes that ends with the workflow.
@category orch
@search-terms workflow progress state
@example "The state of one workflow" { batch status wuji-full-deployment-4k7q0d }
@example "Its operations that are not done" { batch status wuji-full-deployment-4k7q0d | get operations | where status != succeeded }
@example "The same for another program" { batch status wuji-full-deployment-4k7q0d --format json }
export def "batch status" [
  workflow_id: string@"nu-complete batch workflows" # The workflow
  --follow (-f) # Stream its changes until it ends
  --format: string@"nu-complete batch formats" = "table" # table, json or yaml
  --data-dir: directory # Data directory to read
]: [nothing -> record, nothing -> string, nothing -> table] {
  require-plugin
  if $format not-in $FORMATS {
    error make {
      msg: $"Unknown format `($format)`."
      label: {text: "not a format", span: (metadata $format).span}
      help: $"Formats are ($FORMATS | str join ', ')."
    }
  }
  let typed = {argument: (metadata $workflow_id).span, data_dir: (if $data_dir != null { (metadata $data_dir).span })}
  let state = blame $typed { orch workflow $workflow_id --data-dir $data_dir }
  if not $follow { return ($state | in-format $format $data_dir) }
  if $state.finished_at != null { return [] }
  let from = $"(orch status --data-dir $data_dir | get epoch):($state.seq)"
  progress changes $workflow_id $from $data_dir | each {|change| $change | change-in-format $format }
}

# List workflows, newest first.
@category orch
@search-terms workflow
@example "All of them" { batch list }
@example "Those that failed" { batch list --status failed }
export def "batch list" [
  --status: string@"nu-complete batch statuses" # Only those with this status
  --data-dir: directory # Data directory to read
]: nothing -> table {
  require-plugin
  let typed = {argument: null, data_dir: (if $data_dir != null { (metadata $data_dir).span })}
  let workflows = blame $typed { orch workflows --data-dir $data_dir }
  if $status == null { $workflows } else { $workflows | where status == $status }
}

# Cancel a workflow.
#
# Nothing new is started, what runs is ended (TERM, then KILL after a grace).
@category orch
@search-terms workflow stop abort kill
@example "Cancel one" { batch cancel wuji-full-deployment-4k7q0d }
@example "Cancel all that still run" { batch list --status running | each {|it| batch cancel $it.id } }
export def "batch cancel" [
  workflow_id: string@"nu-complete batch unfinished" # The workflow
  --data-dir: directory # Data directory of the daemon
]: nothing -> record {
  require-plugin
  let typed = {argument: (metadata $workflow_id).span, data_dir: (if $data_dir != null { (metadata $data_dir).span })}
  blame $typed { orch cancel $workflow_id --data-dir $data_dir }
}

# Show what the tasks of a workflow have printed.
#
# One row for each line, in the order of the operations, their items and attempts. Control characters are
# taken out, so that the output of a task cannot act on the terminal.
@category orch
@search-terms workflow output stdout stderr
@example "Everything that went to standard error" { batch logs wuji-full-deployment-4k7q0d --err }
@example "The text of one operation" { batch logs wuji-full-deployment-4k7q0d --operation install-k8s | get line | str join (char nl) }
export def "batch logs" [
  workflow_id: string@"nu-complete batch workflows" # The workflow
  --operation (-o): string@"nu-complete batch operations" # Only this operation
  --item (-i): string@"nu-complete batch items" # Only this item
  --err (-e) # Only standard error
  --raw # Leave control characters in
  --data-dir: directory # Data directory to read
]: nothing -> table {
  require-plugin
  let typed = {argument: (metadata $workflow_id).span, data_dir: (if $data_dir != null { (metadata $data_dir).span })}
  let state = blame $typed { orch workflow $workflow_id --data-dir $data_dir }
  logs files (workflow-folder $workflow_id $data_dir | path join $state.logs) $state
  | where {|it| $operation == null or $it.operation == $operation }
  | where {|it| $item == null or $it.item == $item }
  | where {|it| not $err or $it.stream == err }
  | each {|it| logs content $it $raw }
  | flatten
}

# Prints the changes of a submitted workflow until it ends; its final state. Raises an error in a script unless
# the workflow succeeded: `exit` would close the user's shell.
def watch-to-end [submitted: record, from: string, data_dir?: string]: nothing -> any {
  let workflow = $submitted.workflow
  print --stderr $"($workflow): ($submitted.tasks) tasks. Ctrl-C ends the watching only; `batch cancel ($workflow)` ends the workflow."
  let last = progress show $workflow $from $submitted.tasks $data_dir
  let state = progress state-at $last.seq $workflow $data_dir
  if $last.status != succeeded and not $nu.is-interactive { raise-failed $last.status $state }
  $state
  | select id name status reason duration operations
  | update operations {|it| $it.operations | select id status tasks last_error }
}

# The waves of a definition: what may run at the same time, in order. One row for each operation.
def waves [file: path, name?: string, data_dir?: string]: nothing -> table {
  let report = orch validate $file --waves --name $name --data-dir $data_dir
  if not $report.valid { raise-invalid $file $report.errors }
  $report.waves | enumerate | each {|wave|
    $wave.item | each {|it| {
      wave: ($wave.index + 1), operation: $it.id, type: $it.type, target: $it.target, items: $it.items
      providers: $it.providers, tasks: $it.tasks
    } }
  } | flatten
}

def raise-invalid [file: path, faults: table]: nothing -> error {
  let lines = $faults | each {|it| $"($it.file):($it.line):($it.column): ($it.message)" }
  error make --unspanned {
    msg: ([$"($file) has ($faults | length) errors." ...$lines] | str join (char nl))
    help: $"`batch submit ($file) --validate` gives them as a table."
  }
}

# The position of the journal now: what is followed from here misses nothing that comes.
def cursor [data_dir?: string]: nothing -> string {
  let status = orch status --data-dir $data_dir
  $"($status.epoch):($status.seq)"
}

# The state as it is asked for. As text it is what its file says: other programs know neither Nushell's times nor
# its durations.
def in-format [format: string, data_dir?: string]: record -> any {
  let state = $in
  if $format == table { return $state }
  let file = open (workflow-folder $state.id $data_dir | path join state.json)
  if $format == json { $file | to json } else { $file | to yaml }
}

# A change as it is asked for: as text one line of JSON, or one YAML document.
def change-in-format [format: string]: record -> any {
  let change = $in
  if $format == table { return $change }
  let plain = $change | update time { date to-timezone UTC | format date "%Y-%m-%dT%H:%M:%S%.6fZ" }
  if $format == json { $plain | to json --raw } else { $"---(char nl)($plain | to yaml)" }
}

def workflow-folder [workflow: string, data_dir?: string]: nothing -> string {
  orch status --data-dir $data_dir | get data_dir | path join workflows $workflow
}

def raise-failed [status: string, state: record]: nothing -> error {
  let faults = $state.operations | where last_error != null | each {|it| $"($it.id): ($it.last_error)" }
  error make --unspanned {
    msg: ([$"Workflow ($state.id) ended as ($status)." ...$faults] | str join (char nl))
    help: $"`batch logs ($state.id) --err` shows what its tasks said."
  }
}
