# What comes through the pipeline: several workflows, tasks or files in place of one argument.

use places.nu raise-at

# What came, and where the user typed it (null if nothing came). The first thing a command does: later it is gone.
export def taken []: any -> record {
  metadata access {|meta| {value: $in, span: $meta.span?} }
}

# The items of what was `taken`, one or several. An error unless something came: `question` is what is missing then, and
# `example` how it can be given.
export def items-of [input: record, question: string, example: string]: nothing -> list {
  let value = $input.value
  if $value == null { error make --unspanned {msg: $question, help: $"Name one, or give several: ($example)"} }
  # A table's type is `table` in some versions, and `list` in others.
  if ($value | describe --detailed | get type) in [list table] { $value } else { [$value] }
}

# The workflows that what was `taken` names, each once, in the order given. Ids, and rows of workflows, of tasks, of
# answers and of changes name some; rows that say why there is none are left out with a word on standard error.
# `whole`: the verb is about whole workflows, and a task names none of its own.
export def workflows-of [input: record, verb: string, example: string, --whole]: nothing -> list<string> {
  let items = items-of $input $"Which workflow? `batch ($verb)` needs an id, or rows." $example
  let named = $items | each {|it| {item: $it, id: ($it | named-id)} }
  for it in $named {
    if $it.id == null and not ($it.item | is-failure) { refuse $input $it.item "ids or rows of workflows" $example }
    if $whole and ($it.item | is-task) {
      refuse $input $it.item "whole workflows" $"If the whole workflow is meant: … | get workflow | uniq | batch ($verb)"
    }
  }
  let failures = $named | where id == null | length
  if $failures > 0 { print --stderr $"($failures) of the rows name no workflow, and are left out." }
  $named | where id != null | each {|it| $it.id | split row --number 2 "." | first } | uniq
}

# Ids of the tasks, or else of the workflows, that what was `taken` names, each once.
export def subjects-of [input: record, verb: string, example: string]: nothing -> list<string> {
  let items = items-of $input $"Which workflow? `batch ($verb)` needs an id, or rows." $example
  let named = $items | each {|it| {item: $it, id: ($it | task-id | default ($it | named-id))} }
  for it in $named {
    if $it.id == null and not ($it.item | is-failure) { refuse $input $it.item "ids or rows of workflows or tasks" $example }
  }
  $named.id | compact | uniq
}

# Ids of the tasks that what was `taken` names, each once.
export def tasks-of [input: record, verb: string, example: string]: nothing -> list<string> {
  let items = items-of $input $"Which task? `batch ($verb)` needs an id, or rows." $example
  for item in $items {
    if not ($item | is-task) { refuse $input $item "ids or rows of tasks" $example }
  }
  $items | each {|it| $it | task-id } | uniq
}

# Paths that what was `taken` names: strings, rows of `ls`, rows with a column `file` or `path`. What stands in a folder
# beside definitions is left out with a word on standard error; what is named by itself is taken as it is.
export def files-of [input: record, verb: string, example: string]: nothing -> list<string> {
  let items = items-of $input $"Which definition? `batch ($verb)` needs a file, or several." $example
  let named = $items | each {|it| {item: $it, path: ($it | named-path)} }
  for it in $named { # not in `each`, which would put its own error before this one
    if $it.path == null { refuse $input $it.item "paths or rows of `ls`" $example }
  }
  let others = $named | where {|it| $it.item | is-listed-by-the-way } | get path
  if ($others | is-empty) { return $named.path }
  if ($others | length) == ($named | length) {
    let message = {msg: $"No definition is among them: ($others | in-a-few-words).", help: $"Definitions end in .k: ($example)"}
    raise-at $input.span "no definitions" $message
  }
  print --stderr $"left out, no definitions: ($others | in-a-few-words)"
  $named | where {|it| not ($it.item | is-listed-by-the-way) } | get path
}

# Whether it is a row of `ls` about something that holds no definition.
def is-listed-by-the-way []: any -> bool {
  let it = $in
  if not ($it | is-record) or $it.file? != null or $it.path? != null { return false }
  $it.type? == dir or not ($it.name | str ends-with .k)
}

# The first of several names, and how many there are besides.
def in-a-few-words []: list<string> -> string {
  let names = $in
  if ($names | length) <= 3 { $names | str join ", " } else { $"($names | first 2 | str join ', ') and (($names | length) - 2) more" }
}

# Raises an error about an item of the input, under what the user typed.
export def refuse [input: record, item: any, wanted: string, help: string]: nothing -> error {
  let kind = $item | describe --detailed | get type
  let what = match $kind {
    record => $"a row with ($item | columns | first 6 | str join ', ')"
    string => $"'($item)'"
    _ => $"($item | to nuon), a value of type ($kind)"
  }
  raise-at $input.span $"not ($wanted)" {msg: $"Not ($wanted): ($what).", help: $help}
}

export def is-record []: any -> bool {
  ($in | describe --detailed | get type) == record
}

# The id that an item names, of a workflow or of a task, null for none.
export def named-id []: any -> oneof<string, nothing> {
  let it = $in
  let id = if ($it | is-record) { $it.workflow? | default $it.id? } else { $it }
  if ($id | describe) == "string" and ($id | is-not-empty) { $id }
}

def named-path []: any -> oneof<string, nothing> {
  let it = $in
  let path = if ($it | is-record) { $it.file? | default $it.path? | default $it.name? } else { $it }
  if ($path | describe) == "string" and ($path | is-not-empty) { $path }
}

export def task-id []: any -> oneof<string, nothing> {
  let it = $in
  let id = if ($it | is-record) { $it.task? | default $it.id? } else { $it }
  if ($id | describe) == "string" and "." in $id { $id }
}

def is-task []: any -> bool {
  ($in | task-id) != null
}

# Whether it is an answer that says why there is no workflow.
def is-failure []: any -> bool {
  ($in | is-record) and $in.error? != null
}
