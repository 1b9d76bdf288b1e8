# The commands `batch …`.

use complete.nu *
use internal/errors.nu blame
use internal/logs.nu
use internal/plugin.nu require-plugin
use internal/progress.nu
use internal/watching.nu
use internal/words.nu [FORMATS]

# Submit a workflow.
#
# Without flags the daemon of the data directory takes the definition and runs it; the answer is the
# workflow's id and plan. With --watch the command stays until the end: it prints a line whenever a task
# changes, then gives how the workflow and its operations ended. In a script it raises an error unless the
# workflow succeeded. With --dry-run nothing is submitted and no daemon is needed: a record tells what would be done, wave
# after wave, which values were chosen, what cannot be undone, which limits will bind, and about how long it takes.
@category orch
@search-terms workflow run start kcl
@example "Submit a definition and follow it to its end" { batch submit data/examples/wuji.k --watch }
@example "See in which order it would run" { batch submit data/examples/wuji.k --dry-run | get waves | select wave operation }
@example "See what it would do for an environment" { batch submit data/examples/environments.k --environment prod --dry-run | get waves.0.items | length } --result 3
@example "See about how long it would take" { batch submit data/examples/wuji.k --dry-run | get total }
@example "Check it, and submit it in a script" { batch submit data/examples/wuji.k --validate | get valid } --result true
export def "batch submit" [
  file: path # The definition (KCL)
  --validate # Only check the definition, as `orch validate` does
  --dry-run # Only show what would be done, in which order, and how long it takes
  --resolved # With --dry-run: also the values that nobody chose, and where each comes from
  --watch (-w) # Follow it to its end
  --name: string # Which workflow, where the definition holds several
  --priority: int # Larger starts first; overrides the definition
  --options: record # Values for option() in the definition
  --environment (-e): string # What its values are for: DEFINITION.NAME.yaml is laid over them
  --layer: path # Lay this YAML file over its values instead
  --data-dir: directory # Data directory of the daemon
]: nothing -> record {
  require-plugin
  let typed = {argument: (metadata $file).span, data_dir: (if $data_dir != null { (metadata $data_dir).span })}
  let values = {name: $name, options: $options, env: $environment, layer: $layer}
  if $validate { return (blame $typed { validated $file $values $data_dir }) }
  if $dry_run { return (blame $typed { before-it-runs $file $values $resolved $data_dir }) }
  let before = if $watch { blame $typed { watching cursor $data_dir } }
  let submitted = blame $typed {
    (orch submit $file --name $name --priority $priority --options $options --env $environment --layer $layer
      --data-dir $data_dir)
  }
  if $watch { return (watching to-end $submitted $before $data_dir) }
  progress wait-for-state $submitted.workflow $data_dir
  $submitted
}

# Play a definition through before it runs.
#
# Says how long it would take and what that time consists of, what holds it up, what cannot be undone, and what a
# failure would lead to. Nothing is started, and no daemon is needed. How long a task takes is known from earlier runs, or
# else assumed. NAME is an operation, an item, or OPERATION/ITEM.
@category orch
@search-terms workflow forecast predict estimate duration what-if
@example "See about how long it takes" { batch simulate data/examples/wuji.k --assume 30sec --data-dir /nowhere | get total } --result 2min
@example "See what the time consists of, with slower parts and fewer slots" { batch simulate data/examples/wuji.k --with [install-k8s=2x os=90sec] --max-running 2 | get critical_path }
@example "See what a failure would undo" { batch simulate data/examples/wuji.k --fail cilium | get undone }
@example "See what holds tasks back in an environment" { batch simulate data/examples/environments.k --environment prod | get limits | select limit of value }
export def "batch simulate" [
  file: path # The definition (KCL)
  --with (-w): oneof<list<string>, string> # What if it took longer: NAME=2x, or NAME=90sec
  --fail (-f): oneof<list<string>, string> # What if it failed: NAME in all its attempts, NAME=2 in the first two
  --max-running (-m): int # Tasks at a time; else as configured
  --provider-limits (-p): record # Tasks at a time on a provider, for instance {local: 4}
  --assume (-a): duration # How long a task takes of which nothing is known (1min)
  --name: string # Which workflow, where the definition holds several
  --options: record # Values for option() in the definition
  --environment (-e): string # What its values are for: DEFINITION.NAME.yaml is laid over them
  --layer: path # Lay this YAML file over its values instead
  --data-dir: directory # Data directory whose settings and earlier runs count
]: nothing -> record {
  require-plugin
  let typed = {
    argument: (metadata $file).span
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
    flags: [
      {label: "not something to change", span: (metadata $with).span}
      {label: "not something to fail", span: (metadata $fail).span}
      {label: "not a number of tasks", span: (metadata $max_running).span}
      {label: "not numbers of tasks", span: (metadata $provider_limits).span}
      {label: "too short", span: (metadata $assume).span}
    ]
  }
  blame $typed {
    (orch simulate $file --with (several $with) --fail (several $fail) --max-running $max_running --provider-limits $provider_limits
      --assume $assume --name $name --options $options --env $environment --layer $layer --data-dir $data_dir)
  }
}

# One thing is a list of one.
def several [given?: any]: nothing -> oneof<list<string>, nothing> {
  if ($given | describe) == "string" { [$given] } else { $given }
}

# Say how long a workflow still takes.
#
# What runs takes what is left of its usual time, the rest its usual time, and nothing else fails. The usual time is known
# from earlier runs, or else assumed; `confidence` is the share of the tasks of which it is known.
@category orch
@search-terms workflow remaining left estimate forecast when
@example "Show how long it still takes" { batch eta wuji-full-deployment-4k7q0d | get remaining }
@example "Show when all that run will be over" { batch list --status running | each {|it| (date now) + (batch eta $it.id | get remaining) } }
export def "batch eta" [
  workflow_id: string@"nu-complete batch unfinished" # The workflow
  --assume (-a): duration # How long a task takes of which nothing is known (1min)
  --data-dir: directory # Data directory to read
]: nothing -> record {
  require-plugin
  let typed = {
    argument: (metadata $workflow_id).span
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
    flags: [{label: "too short", span: (metadata $assume).span}]
  }
  blame $typed { orch eta $workflow_id --assume $assume --data-dir $data_dir }
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
  progress changes $workflow_id $from $data_dir | each {|change|
    # What goes wrong meanwhile comes as the last change, and is about no word of the user's.
    blame {argument: null, data_dir: null} { $change | change-in-format $format }
  }
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

# What there is to say about a definition with these values.
def validated [file: path, values: record, data_dir?: string]: nothing -> record {
  (orch validate $file --name $values.name --options $values.options --env $values.env --layer $values.layer
    --data-dir $data_dir)
}

# What there is to know about a definition before it runs; with `all_values` those that nobody chose, too.
def before-it-runs [file: path, values: record, all_values: bool, data_dir?: string]: nothing -> record {
  let report = (orch validate $file --dry-run --resolved=$all_values --name $values.name --options $values.options
    --env $values.env --layer $values.layer --data-dir $data_dir)
  if not $report.valid { raise-invalid $file $report.errors }
  $report.dry_run
  | merge {resolved: $report.resolved, warnings: $report.warnings}
  | select name environment waves order resolved irreversible limits warnings status reason total tasks peak max_running durations
}

def raise-invalid [file: path, faults: table]: nothing -> error {
  let lines = $faults | each {|it|
    let place = if $it.line == null { "" } else { $":($it.line):($it.column)" }
    $"($it.file)($place): ($it.message)"
  }
  error make --unspanned {
    msg: ([$"($file) has ($faults | length) error(if ($faults | length) == 1 { "" } else { "s" })." ...$lines] | str join (char nl))
    help: $"`batch submit ($file) --validate` gives them as a table."
  }
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
