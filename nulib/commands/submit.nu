# `batch submit`: run what a definition says, or see beforehand what that would be.

use ../complete.nu *
use ../internal/drawing.nu [raise-faults report-of]
use ../internal/errors.nu blame
use ../internal/input.nu [files-of taken]
use ../internal/many.nu
use ../internal/plugin.nu require-plugin
use ../internal/progress.nu
use ../internal/watching.nu

# Submit a workflow.
#
# Without flags the daemon of the data directory takes the definition and runs
# it; the answer is the workflow's id and plan.
#
# With --watch the command stays until the end: it prints a line whenever a task
# changes, then gives how the workflow and its operations ended. In a script it
# raises an error unless the workflow succeeded.
#
# With --dry-run nothing is submitted and no daemon is needed: a record tells
# what would be done, wave after wave, which values were chosen, what cannot be
# undone, which limits will bind, and about how long it takes.
#
# Paths or rows of `ls` in the pipeline are so many definitions: the answer is a
# row for each, with `error` null or the reason why it was refused. Rows of `ls`
# whose name does not end in .k, and folders, are left out. With --watch all are
# submitted, then each is followed to its end.
@category orch
@search-terms workflow run start kcl
@example "Submit a definition and follow it to its end" { batch submit data/examples/wuji.k --watch }
@example "See in which order it would run" {
  batch submit data/examples/wuji.k --dry-run
  | get waves | select wave operation
}
@example "See what it would do for an environment" {
  batch submit data/examples/environments.k --environment prod --dry-run
  | get waves.0.items | length
} --result 3
@example "See about how long it would take" { batch submit data/examples/wuji.k --dry-run | get total }
@example "Check it, and submit it in a script" { batch submit data/examples/wuji.k --validate | get valid } --result true
@example "Submit several" { ls data/examples/*.k | where size < 2kb | batch submit }
@example "See whether several are valid" {
  glob data/examples/*.k | batch submit --validate | get valid | all { $in }
} --result true
export def "batch submit" [
  file?: path # The definition (KCL); else paths or rows of `ls`
  --validate # Only check the definition, as `orch validate` does
  --dry-run # Only show what would be done, in which order, and how long
  --resolved # With --dry-run: also the values that nobody chose
  --watch (-w) # Follow it to its end
  --name: string # Which workflow, where the definition holds several
  --priority: int # Larger starts first; overrides the definition
  --options: record # Values for option() in the definition
  --environment (-e): string@"nu-complete batch environments" # Lay DEFINITION.NAME.yaml over its values
  --layer: path # Lay this YAML file over its values instead
  --data-dir: directory # Data directory of the daemon
]: [nothing -> record, string -> table, list<any> -> table, table -> table, record -> table, any -> any] {
  let input = taken
  require-plugin
  check-ways {--validate: $validate, --dry-run: $dry_run, --watch: $watch} $resolved
  let values = {name: $name, options: $options, env: $environment, layer: $layer, data_dir: $data_dir}
  let send = {|file|
    (orch submit $file --name $name --priority $priority --options $options --env $environment --layer $layer
      --data-dir $data_dir)
  }
  let typed = {
    argument: (if $file != null { (metadata $file).span } else { $input.span })
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
    flags: [{label: "out of range", span: (metadata $priority).span}]
  }
  if $file == null {
    let files = files-of $input submit "ls *.k | batch submit"
    let typed = if ($files | length) == 1 { $typed | insert definition ($values | insert file $files.0) } else { $typed }
    if $validate { return ($files | each-file $typed {|it| report-of ($values | insert file $it) | reject file }) }
    if $dry_run { return ($files | each-file $typed {|it| looked-ahead ($values | insert file $it) $resolved | before-it-runs $it }) }
    return (several $files $typed $send $watch $data_dir)
  }
  let definition = $values | insert file $file
  let typed = $typed | insert definition $definition
  if $validate { return (blame $typed { report-of $definition }) }
  if $dry_run { return (blame $typed { looked-ahead $definition $resolved } | before-it-runs $file) }
  let before = if $watch { blame $typed { watching cursor $data_dir } }
  let submitted = blame $typed { do $send $file }
  if $watch { return (watching to-end $submitted $before $data_dir) }
  progress wait-for-state $submitted.workflow $data_dir
  $submitted
}

# Raises an error if the flags say different things, or one does nothing.
def check-ways [ways: record, resolved: bool]: nothing -> nothing {
  let given = $ways | transpose name value | where value | get name
  if ($given | length) > 1 {
    error make --unspanned {msg: $"($given.0) and ($given.1) say different things.", help: "Give one of them."}
  }
  if $resolved and $given.0? != "--dry-run" {
    error make --unspanned {msg: "--resolved needs --dry-run.", help: "It tells of what is not submitted where each value comes from."}
  }
}

# A row for each file: what `ask` says about it, and `error`. `typed` as for `blame`.
def each-file [typed: record, ask: closure]: list<string> -> table {
  many each-of $in $typed {|file| {file: $file} } {|file| {file: $file} | merge (do $ask $file) }
}

# Submits each of the files; with `watch` follows each to its end. One row for each.
def several [files: list<string>, typed: record, send: closure, watch: bool, data_dir?: string]: nothing -> table {
  let before = if $watch { watching cursor $data_dir }
  let answers = many each-of $files $typed {|file| {file: $file, workflow: null, tasks: null} } {|file|
    {file: $file} | merge (do $send $file | select workflow tasks)
  }
  for answer in ($answers | where error == null) { progress wait-for-state $answer.workflow $data_dir }
  if $watch { watching each-to-end $answers $before $data_dir } else { $answers }
}

# The report of a definition with what would come of it; with `all_values` those that nobody chose, too.
def looked-ahead [definition: record, all_values: bool]: nothing -> record {
  let it = $definition
  (orch validate $it.file --dry-run --resolved=$all_values --name $it.name --options $it.options --env $it.env
    --layer $it.layer --data-dir $it.data_dir)
}

# What there is to know about a definition before it runs: last what a person asks first, which is what the screen shows
# then. An error with all that is wrong if it is not right: not where errors of the plugin are raised again, which would
# take it off the lines of the file.
def before-it-runs [file: string]: record -> record {
  let report = $in
  if not $report.valid { raise-faults $file $report }
  $report.dry_run
  | merge {resolved: $report.resolved, warnings: $report.warnings}
  | (select resolved order warnings irreversible limits waves durations max_running peak name environment tasks reason
    status total)
}
