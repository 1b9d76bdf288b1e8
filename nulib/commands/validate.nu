# `batch validate` and `batch check`: is a definition right, and is what there is as it says?

use ../complete.nu *
use ../internal/drawing.nu [raise-faults report-of]
use ../internal/errors.nu blame
use ../internal/plugin.nu require-plugin

# Check a definition, and show its faults on its own lines.
#
# If it is right, the answer says which workflows it holds, and what could be better (`warnings`). If not, that is an
# error with all that is wrong; Nushell 0.115 and later draw it on the lines of the file. `batch submit --validate` gives the faults
# as a table instead. No daemon is needed.
@category orch
@search-terms workflow lint kcl verify
@example "Check a definition" { batch validate data/examples/wuji.k | get workflows.0.tasks } --result 10
@example "Check more, and take warnings as faults" { try { batch validate data/examples/wuji.k --strict | get valid } catch { false } } --result false
@example "Check several in a script" { glob data/examples/*.k | each {|file| batch validate $file | get valid } | all { $in } } --result true
export def "batch validate" [
  file: path # The definition (KCL)
  --strict (-s) # Check more; warnings are faults
  --name: string # Which workflow, where the definition holds several
  --options: record # Values for option() in the definition
  --environment (-e): string@"nu-complete batch environments" # What its values are for: DEFINITION.NAME.yaml is laid over them
  --layer: path # Lay this YAML file over its values instead
  --data-dir: directory # Data directory whose providers count
]: nothing -> record {
  require-plugin
  let typed = {argument: (metadata $file).span, data_dir: (if $data_dir != null { (metadata $data_dir).span })}
  let definition = {
    file: $file, strict: $strict, name: $name, options: $options, env: $environment, layer: $layer, data_dir: $data_dir
  }
  let report = blame $typed { report-of $definition }
  if not $report.valid { raise-faults $file $report }
  $report | select valid workflows warnings
}

# Look whether everything is still as a definition declares it (drift).
#
# Nothing is changed: the daemon runs the check of each item's provider in place of what would make it. One row for each
# of them; what nothing knows how to check is left out with a warning.
@category orch
@search-terms workflow drift verify audit
@example "Hold what there is against a definition" { batch check data/examples/wuji.k }
@example "What has drifted" { batch check data/examples/wuji.k | where is != 'as it should be' }
export def "batch check" [
  file: path # The definition (KCL)
  --name: string # Which workflow, where the definition holds several
  --options: record # Values for option() in the definition
  --environment (-e): string@"nu-complete batch environments" # What its values are for: DEFINITION.NAME.yaml is laid over them
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
  blame $typed {
    orch check $file --name $name --options $options --env $environment --layer $layer --data-dir $data_dir
  }
}
