# Workflows, operations, tasks and lines as a person looks at them.
#
# Every table here fits 100 columns with the ids that people use. One that does not is drawn with columns of one letter:
# from 100 columns on Nushell draws with `table --expand`, which squeezes the last columns rather than leave them out. So
# what has no bounded width stands last, alone, where enough is left for it, or is left to `--long`.

use counts.nu done-of-all

# Why a workflow that is not over does not go on.
const UNATTENDED = "no daemon runs: it goes on with the next one"

# Of a row of `orch workflows`.
export def workflow-in-short []: record -> record {
  let it = $in
  {
    id: $it.id
    status: $it.status
    ...($it.tasks? | done-of-all)
    created_at: $it.created_at?
    duration: $it.duration?
  }
}

# Of what `orch workflow` says. It fits a screen of 40 lines as long as there are no more than twenty operations; of more,
# what is counted by status stands behind them, where it is seen.
export def state-in-short []: record -> record {
  let it = $in
  {
    id: $it.id
    status: $it.status
    reason: ($it.reason? | default (if $it.stale? == true { $UNATTENDED }))
    created_at: $it.created_at?
    duration: $it.duration?
    operations: ($it.operations? | default [] | each {|one| $one | operation-in-short })
    tasks: $it.tasks?
  }
}

# Of an operation in that: the same columns wherever a workflow is shown.
export def operation-in-short []: record -> record {
  let it = $in
  {id: $it.id, status: $it.status, ...($it.tasks | done-of-all), last_error: $it.last_error}
}

# The tasks of the workflow that `orch workflow` tells of, in the order of its definition.
export def tasks-in-short [data_dir?: string]: record -> table {
  let state = $in
  let order = $state.operations | each {|one|
    $one.items | each {|it| $"($state.id).($one.id).($it.provider).($it.item)" }
  } | flatten | enumerate | rename place id
  if ($order | is-empty) { return [] }
  let live = orch tasks --workflow $state.id --long --data-dir $data_dir
  # What is archived has no files of its own any more.
  let rows = if ($live | is-empty) { orch tasks --workflow $state.id --long --all --data-dir $data_dir } else { $live }
  if ($rows | is-empty) { return [] }
  $order | join $rows id | sort-by place | select operation item status attempt duration reason
}

# Rows of `orch logs`, each as it comes: behind an `$in` Nushell gives none before there is the last.
export def lines-in-short []: table -> table {
  select operation item undo stream line
}
