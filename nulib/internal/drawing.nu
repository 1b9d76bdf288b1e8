# Faults of a definition, drawn on its own lines.

# Older versions know no `src` of an error, and would draw on other text.
const CAN_DRAW = ((version).major > 0 or (version).minor >= 115)

# The code of the error that the plugin raises, too.
const INVALID = "orch::definition::invalid"

# What Nushell makes of an error that was drawn on another file.
export const DRAWN = "nu::shell::outside"

# Codes of errors that say what is wrong with a definition.
export const INVALID_CODES = [$INVALID $DRAWN]

# More labels than this nobody reads.
const LABELS_MAX = 20

# Raises the faults of a definition that the daemon, or the plugin, has refused: it is looked at again, because an error
# does not hold the places of its faults. Returns if nothing is wrong with it by now, or this Nushell cannot draw.
# `definition`: file, strict, data_dir, and what its values come from: name, options, env, layer.
export def draw-again [definition: record]: nothing -> any {
  if not $CAN_DRAW { return }
  let report = try { report-of $definition } catch { {valid: true} }
  if not $report.valid { raise-faults $definition.file $report }
}

# What `orch validate` says about a definition.
export def report-of [definition: record]: nothing -> record {
  let it = $definition
  (orch validate $it.file --strict=($it.strict? | default false) --name $it.name --options $it.options --env $it.env
    --layer $it.layer --data-dir $it.data_dir?)
}

# Raises one error with all that is wrong, on the lines of the file where Nushell can draw there. What is wrong elsewhere,
# or has no place, stands in the message.
export def raise-faults [file: string, report: record]: nothing -> error {
  let faults = $report | faults-of
  let count = $faults | length
  let what = if ($report.errors | is-empty) { "warning" } else { "error" }
  let heading = $"($file) has ($count) ($what)(if $count == 1 { '' } else { 's' })."
  let drawn = if $CAN_DRAW { $faults | where {|it| $it.span? != null and $it.file == $report.file } | first $LABELS_MAX } else { [] }
  let told = if ($drawn | is-empty) { $faults } else { $faults | where {|it| $it.span? == null or $it.file != $report.file } }
  let more = $count - ($drawn | length) - ($told | length)
  let message = [
    $heading
    ...($told | each {|it| $it | on-one-line })
    ...(if $more > 0 { [$"And ($more) more: `batch validate ($file)` shows them when these are repaired."] } else { [] })
  ] | str join (char nl)
  if ($drawn | is-empty) {
    let strict = if $what == warning { " --strict" } else { "" }
    error make --unspanned {msg: $message, code: $INVALID, help: $"`orch validate ($file)($strict)` gives them as a table."}
  }
  error make {
    msg: $message
    labels: ($drawn | each {|it| $it | labels-of $report.file } | flatten)
    help: ($drawn | helps)
    src: {name: $file, path: $report.file}
  }
}

# What is wrong in a report: with --strict a warning is a fault as well.
def faults-of []: record -> table {
  let report = $in
  if ($report.errors | is-empty) { $report.warnings } else { $report.errors }
}

# All that is wrong in a report, a line each.
export def faults-as-text []: record -> string {
  $in | faults-of | each {|it| $it | on-one-line } | str join (char nl)
}

# `file:line:column: message`, with the remedy.
def on-one-line []: record -> string {
  let it = $in
  let place = if $it.line == null { "" } else { $":($it.line):($it.column)" }
  let help = if ($it.help? | is-empty) { "" } else { $". ($it.help)" }
  $"($it.file)($place): ($it.message)($help)"
}

# The label of a fault, and those of what it refers to in the same file.
def labels-of [file: string]: record -> list<record> {
  let fault = $in
  let also = $fault.related? | default [] | where {|other| $other.span? != null and $other.file? == $file }
  $also | prepend $fault | each {|part| {text: ($part | with-code), span: ($part | first-line)} }
}

# Nushell has no place for a code in such an error.
def with-code []: record -> string {
  let part = $in
  if ($part.code? | is-empty) { $part.message } else { $"($part.message) [($part.code)]" }
}

# Its span, to the end of its first line: over several lines Nushell draws a bracket that hides the text.
def first-line []: record -> record {
  let it = $in
  if ($it.end_line? | default $it.line) == $it.line { return $it.span }
  let length = ($it.snippet? | default "" | str length --utf-8-bytes)
  {start: $it.span.start, end: ([($it.span.start + $length) $it.span.end] | math min)}
}

# What helps, each once; where there are several, with the lines and the code of what it is about, as the labels have them.
def helps []: table -> oneof<string, nothing> {
  let given = $in | where {|it| $it.help? | is-not-empty }
  match ($given | length) {
    0 => null
    1 => $given.0.help
    _ => ($given | group-by {|it| $"[($it.code?)] ($it.help)" } --to-table | each {|it| $it.items | of-lines } | str join (char nl))
  }
}

# `[WF105] lines 8, 12: Say it in seconds.`, of faults with the same code and help.
def of-lines []: table -> string {
  let faults = $in
  let lines = $faults.line | uniq
  let code = if ($faults.0.code? | is-empty) { "" } else { $"[($faults.0.code)] " }
  $"($code)line(if ($lines | length) == 1 { '' } else { 's' }) ($lines | str join ', '): ($faults.0.help)"
}
