# Errors that point at what the user typed.

use drawing.nu [DRAWN INVALID_CODES draw-again]
use places.nu raise-at

# What the plugin writes under the name of something that is not in a workflow.
const PART_LABEL = "not in this workflow"

# What Nushell says after Ctrl-C.
export const INTERRUPTED = "Operation interrupted"

# The same, and what the plugin says of a call that was waiting then.
const INTERRUPTIONS = ["Operation interrupted" "Interrupted"]

# Runs `action`. An error of the plugin in it is raised again with its label on the user's own words instead of
# on a line of this module. `typed` has the spans of those words: `argument`, `data_dir`, and `part`, which names something
# inside what the argument names (`parts`: {operation, item} where there are several); null where the user gave none, and of
# no use where it is no text of the user's. `flags`, if there, has those of flags, by the label that
# the plugin writes under them. `definition`, if there, is what is wrong when a definition is: the faults are drawn on it.
export def blame [typed: record, action: closure]: nothing -> any {
  try { do $action } catch {|error|
    if $error.msg in $INTERRUPTIONS { say-interrupted } else { again $error $typed }
  }
}

# Ends a command after Ctrl-C. No more than this: a filter or a match would be interrupted, too, and shown.
def say-interrupted []: nothing -> error {
  error make --unspanned {msg: "Interrupted."}
}

# Raises an error of the plugin again, as `blame` says.
export def again [error: record, typed: record]: nothing -> error {
  let told = $error | details-of
  if $told.code? in $INVALID_CODES and $typed.definition? != null { draw-again $typed.definition }
  let inner = $told.inner? | default [] | each {|fault| $fault | with-help }
  let message = {msg: ([$told.msg ...$inner] | str join (char nl)), code: $told.code?, help: $told.help?} | compact-record
  let is_place = ($told.code? | default "") =~ '^orch::(daemon|status|tasks|format)'
  let text = $told.labels? | default [] | get 0?.text
  let is_place = $is_place or $text == "this data directory"
  let is_part = $text in [$PART_LABEL "not an outcome"]
  let flag = $typed.flags? | default [] | where label == $text | get 0?.span
  let span = if $flag != null { $flag } else if $is_place { $typed.data_dir } else if $is_part { $told.msg | part-in $typed } else { $typed.argument }
  raise-at (if $text != null { $span }) ($text | default "") $message
}

# One of the faults in an error: what is wrong, and the remedy.
def with-help []: record -> string {
  let fault = $in
  if ($fault.help? | is-empty) { $fault.msg } else { $"($fault.msg). ($fault.help)" }
}

# Where the part was typed that a message says is not there.
def part-in [typed: record]: string -> oneof<record, nothing> {
  if "parts" not-in $typed { return $typed.part? }
  let kind = $in | parse --regex 'no (?<kind>operation|item) ' | get 0?.kind
  if $kind == null { $typed.argument } else { $typed.parts | get $kind }
}

# The words of an error of the plugin, with all that is wrong, without what it begins with: the reader knows what was asked.
export def message-of []: record -> string {
  let told = $in | details-of
  let inner = $told.inner? | default [] | each {|fault| $fault.msg }
  let first = $told.msg | str replace --regex '^(Failed to [a-z ]+|Validation failed): ' ""
  let drawn = if $told.code? == $DRAWN { $told.labels? | default [] | each {|label| $label.text } } else { [] }
  [$first ...$inner ...$drawn] | str join (char nl)
}

# Nushell 0.115 gives what its predecessors give as JSON as a record. The daemon names commands by their verb alone.
export def details-of []: record -> record {
  let error = $in
  let told = if "details" in $error { $error.details } else { $error.json | from json }
  if ($told.help? | is-empty) { return $told }
  let help = $told.help
  | str replace --all --regex '`(cancel|pause|resolve|resume|retry|rollback|submit)\b' '`batch $1'
  | str replace --all --regex '`(tasks|workflows)\b' '`orch $1'
  $told | update help $help
}

def compact-record []: record -> record {
  $in | transpose name value | where value != null | transpose --header-row --as-record
}
