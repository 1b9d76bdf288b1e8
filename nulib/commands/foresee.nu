# `batch simulate` and `batch eta`: how long something takes, and what if.

use ../complete.nu *
use ../internal/errors.nu blame
use ../internal/input.nu [taken workflows-of]
use ../internal/many.nu
use ../internal/plugin.nu require-plugin

# Play a definition through before it runs.
#
# Says how long it would take and what that time consists of, what holds it up,
# what cannot be undone, and what a failure would lead to. Nothing is started,
# and no daemon is needed.
#
# How long a task takes is known from earlier runs, or else assumed. NAME is an
# operation, an item, or OPERATION/ITEM. With --fail NAME it fails in all its
# attempts, with --fail NAME=2 in the first two.
@category orch
@search-terms workflow forecast predict estimate duration what-if
@example "See about how long it takes" {
  batch simulate data/examples/wuji.k --assume 30sec --data-dir /nowhere
  | get total
} --result 2min
@example "See what the time consists of, with slower parts and fewer slots" {
  batch simulate data/examples/wuji.k --with [os=90sec] --max-running 2
  | get critical_path
}
@example "See what a failure would undo" { batch simulate data/examples/wuji.k --fail cilium | get undone }
@example "See what holds tasks back in an environment" {
  batch simulate data/examples/environments.k --environment prod
  | get limits | select limit of value
}
export def "batch simulate" [
  file: path # The definition (KCL)
  --with (-w): oneof<list<string>, string> # What if longer: NAME=2x, NAME=90sec
  --fail (-f): oneof<list<string>, string> # What if it failed: NAME, NAME=2
  --max-running (-m): int # Tasks at a time; else as configured
  --provider-limits (-p): record # On a provider: {local: 4}
  --assume (-a): duration # For a task of which nothing is known (1min)
  --name: string # Which workflow, where the definition holds several
  --options: record # Values for option() in the definition
  --environment (-e): string@"nu-complete batch environments" # Lay DEFINITION.NAME.yaml over its values
  --layer: path # Lay this YAML file over its values instead
  --data-dir: directory # Data directory whose settings and earlier runs count
]: nothing -> record {
  require-plugin
  let values = {name: $name, options: $options, env: $environment, layer: $layer, data_dir: $data_dir}
  let typed = {
    argument: (metadata $file).span
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
    definition: ($values | insert file $file)
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
# What runs takes what is left of its usual time, the rest its usual time, and
# nothing else fails. The usual time is known from earlier runs, or else assumed;
# `confidence` is the share of the tasks of which it is known.
#
# Ids or rows in the pipeline are so many workflows: the answer is a row for
# each, with `error` null or the reason why there is none.
@category orch
@search-terms workflow remaining left estimate forecast when
@example "Show how long it still takes" { batch eta wuji-full-deployment-4k7q0d | get remaining }
@example "Show when all that run will be over" {
  batch list --status running | batch eta
  | each {|it| (date now) + $it.remaining }
}
export def "batch eta" [
  workflow_id?: string@"nu-complete batch unfinished" # The workflow; else ids or rows
  --assume (-a): duration # For a task of which nothing is known (1min)
  --data-dir: directory # Data directory to read
]: [nothing -> record, string -> table, list<any> -> table, table -> table, record -> table, any -> any] {
  let input = taken
  require-plugin
  let ask = {|id| orch eta $id --assume $assume --data-dir $data_dir }
  let typed = {
    argument: (if $workflow_id != null { (metadata $workflow_id).span } else { $input.span })
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
    flags: [{label: "too short", span: (metadata $assume).span}]
  }
  if $workflow_id == null {
    let workflows = workflows-of $input eta "batch list --status running | batch eta"
    return (many each-of $workflows $typed {|id| {workflow: $id, remaining: null} } $ask)
  }
  blame $typed { do $ask $workflow_id }
}
