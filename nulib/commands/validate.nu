# `batch validate` and `batch check`: is a definition right, and is what there is as it says?

use ../complete.nu *
use ../internal/drawing.nu [faults-as-text raise-faults report-of]
use ../internal/errors.nu blame
use ../internal/input.nu [files-of taken]
use ../internal/many.nu
use ../internal/plugin.nu require-plugin

# Check a definition, show its faults on its lines.
#
# If it is right, the answer says which workflows it holds, and what could be
# better (`warnings`). If not, that is an error with all that is wrong; Nushell
# 0.115 and later draw it on the lines of the file. `batch submit --validate`
# gives the faults as a table instead. No daemon is needed.
#
# Paths or rows of `ls` in the pipeline are so many definitions: the answer is a
# row for each, with `valid`, and `error` null or what is wrong.
@category orch
@search-terms workflow lint kcl verify
@example "Check a definition" { batch validate data/examples/wuji.k | get workflows.0.tasks } --result 10
@example "Check more, and take warnings as faults" {
  try { batch validate data/examples/wuji.k --strict } catch { "has faults" }
} --result "has faults"
@example "Check several" { ls data/examples/*.k | batch validate | get valid | all { $in } } --result true
export def "batch validate" [
  file?: path # The definition (KCL); else paths or rows of `ls`
  --strict (-s) # Check more; warnings are faults
  --name: string # Which workflow, where the definition holds several
  --options: record # Values for option() in the definition
  --environment (-e): string@"nu-complete batch environments" # Lay DEFINITION.NAME.yaml over its values
  --layer: path # Lay this YAML file over its values instead
  --data-dir: directory # Data directory whose providers count
]: [nothing -> record, string -> table, list<any> -> table, table -> table, record -> table, any -> any] {
  let input = taken
  require-plugin
  let typed = {
    argument: (if $file != null { (metadata $file).span } else { $input.span })
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
  }
  let values = {strict: $strict, name: $name, options: $options, env: $environment, layer: $layer, data_dir: $data_dir}
  if $file == null {
    let files = files-of $input validate "ls *.k | batch validate"
    let rows = many each-of $files $typed {|it| {file: $it, valid: false, workflows: [], warnings: []} } {|it|
      report-of ($values | insert file $it) | merge {file: $it}
    }
    return ($rows | each {|it| $it | as-row })
  }
  let report = blame $typed { report-of ($values | insert file $file) }
  if not $report.valid { raise-faults $file $report }
  $report | select valid workflows warnings
}

# A row of a report: what is wrong as text, as in the rows of other commands.
def as-row []: record -> record {
  let it = $in
  let wrong = if $it.valid { null } else if $it.error != null { $it.error } else { $it | faults-as-text }
  {file: $it.file, valid: $it.valid, workflows: $it.workflows, warnings: $it.warnings, error: $wrong}
}

# See whether all is still as a definition declares it.
#
# This looks for drift, and changes nothing: the daemon runs the check of each
# item's provider in place of what would make it. One row for each of them:
# `state` is ok, drifted, or unknown if the check itself came to no end, and `is`
# says what was found. What nothing knows how to check is left out with a warning.
@category orch
@search-terms workflow drift verify audit
@example "Hold what there is against a definition" { batch check data/examples/wuji.k }
@example "What has drifted" { batch check data/examples/wuji.k | where state == drifted }
export def "batch check" [
  file: path # The definition (KCL)
  --name: string # Which workflow, where the definition holds several
  --options: record # Values for option() in the definition
  --environment (-e): string@"nu-complete batch environments" # Lay DEFINITION.NAME.yaml over its values
  --layer: path # Lay this YAML file over its values instead
  --data-dir: directory # Data directory of the daemon
]: nothing -> table {
  require-plugin
  let values = {name: $name, options: $options, env: $environment, layer: $layer, data_dir: $data_dir}
  let typed = {
    argument: (metadata $file).span
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
    definition: ($values | insert file $file)
  }
  let rows = blame $typed {
    orch check $file --name $name --options $options --env $environment --layer $layer --data-dir $data_dir
  }
  # What should be is the same in each row, and said by the definition.
  $rows | select operation item state is
}
