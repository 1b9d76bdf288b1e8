# Log files of a workflow: which task they belong to, and their lines.

# One row for each file in `folder`, in the order of the workflow's operations, their items and attempts.
# `state` is the workflow's state.
export def files [folder: string, state: record]: nothing -> table {
  if not ($folder | path exists) { return [] }
  let tasks = $state.operations | each {|it| $it.items | insert operation $it.id } | flatten | select operation item
  ls $folder
  | where type == file
  | each {|file| $file.name | about $tasks.item }
  | each {|it| $it | insert place ($tasks | place-of $it) }
  | sort-by place provider attempt stream
}

# One row for each line of a file; without `raw` what could act on a terminal is taken out.
export def content [file: record, raw: bool]: nothing -> table {
  let text = open --raw $file.path | into binary | decode utf-8
  $text
  | if $raw { $in } else { $in | ansi strip | str replace --all --regex '[\x00-\x08\x0b-\x1f\x7f]' '' }
  | lines
  | each {|line| $file | select operation provider item attempt stream | insert line $line }
}

# What a log's name says: `<operation>.<provider>.<item>.<attempt>.<out|err>`. Only an item holds dots; one
# that is no file name stands there as a hash.
def about [items: list<string>]: string -> record {
  let path = $in
  let name = $path | path basename
  | parse --regex '^(?<operation>[^.]+)\.(?<provider>[^.]+)\.(?<item>.+)\.(?<attempt>\d+)\.(?<stream>out|err)$'
  if ($name | is-empty) { return }
  let parts = $name | first
  $parts | merge {item: ($parts.item | original $items), attempt: ($parts.attempt | into int), path: $path}
}

def original [items: list<string>]: string -> string {
  let stem = $in
  if $stem in $items or not ($stem | str starts-with h-) { return $stem }
  $items | where {|item| $"h-($item | hash sha256 | str substring 0..39)" == $stem } | append $stem | first
}

def place-of [file: record]: table -> int {
  let task = $file | select operation item
  $in | enumerate | where item == $task | get 0?.index | default 0
}
