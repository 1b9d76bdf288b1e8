# Errors that point at what the user typed.

# What the plugin writes under the name of something that is not in a workflow.
const PART_LABEL = "not in this workflow"

# Runs `action`. An error of the plugin in it is raised again with its label on the user's own words instead of
# on a line of this module. `typed` has the spans of those words: `argument`, `data_dir`, and `part`, which names something
# inside what the argument names; null where the user gave none. `flags`, if there, has those of flags, by the label that
# the plugin writes under them.
export def blame [typed: record, action: closure]: nothing -> any {
  try { do $action } catch {|error| again $error $typed }
}

# Raises an error of the plugin again, as `blame` says.
export def again [error: record, typed: record]: nothing -> error {
  # Nushell 0.115 gives what its predecessors give as JSON as a record.
  let told = if "details" in $error { $error.details } else { $error.json | from json }
  let inner = $told.inner? | default [] | each {|fault| $fault.msg }
  let message = {msg: ([$told.msg ...$inner] | str join (char nl)), code: $told.code?, help: $told.help?} | compact-record
  let is_place = ($told.code? | default "") =~ '^orch::(daemon|status|tasks|format)'
  let text = $told.labels? | default [] | get 0?.text
  let is_part = $text in [$PART_LABEL "not an outcome"]
  let flag = $typed.flags? | default [] | where label == $text | get 0?.span
  let span = if $flag != null { $flag } else if $is_place { $typed.data_dir } else if $is_part { $typed.part? } else { $typed.argument }
  if $text == null or $span == null { error make --unspanned $message }
  error make ($message | insert label {text: $text, span: $span})
}

def compact-record []: record -> record {
  $in | transpose name value | where value != null | transpose --header-row --as-record
}
