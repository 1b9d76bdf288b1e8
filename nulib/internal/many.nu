# Asking the same about several things: a row of the answer for each, whatever becomes of the others.

use errors.nu [INTERRUPTED again details-of message-of]
use places.nu raise-at

# What `ask` answers about each of `given`, with `error`, which is null or says why it was refused; such a row holds what
# `blank` makes of the thing. If all are refused that is an error, under what the user typed: `typed` as for `blame`, with
# the span of what was `taken` as its argument.
export def each-of [given: list<string>, typed: record, blank: closure, ask: closure]: nothing -> table {
  mut answers = []
  mut refusals = []
  for it in $given {
    let answer = try { {row: (do $ask $it | insert error null)} } catch {|error|
      if $error.msg == $INTERRUPTED { null } else {
        # Its words only: what Nushell knows besides is an error itself wherever it is looked at.
        let told = {msg: $error.msg, details: ($error | details-of)}
        {row: (do $blank $it | insert error ($told | message-of)), refusal: $told}
      }
    }
    if $answer == null {
      error make --unspanned {msg: $"Interrupted: ($answers | length) of ($given | length) had been asked for."}
    }
    $answers = ($answers | append $answer.row)
    if $answer.refusal? != null { $refusals = ($refusals | append {thing: $it, ...$answer.refusal}) }
  }
  let rows = $answers
  # There is nothing that could go on in the pipeline.
  if ($given | is-not-empty) and ($refusals | length) == ($given | length) { raise-refused $refusals $typed }
  $rows
}

# Raises what was said about all. If that is the same about each, it is the error that it would be about one alone.
def raise-refused [refusals: list, typed: record]: nothing -> error {
  let reasons = $refusals | each {|it| $it | message-of }
  if ($reasons | uniq | length) == 1 { again $refusals.0 $typed }
  let told = $refusals | get thing | zip $reasons | each {|it| if $it.0 in $it.1 { $it.1 } else { $"($it.0): ($it.1)" } }
  let message = {msg: ($told | str join (char nl))}
  | merge (common code ($refusals | each {|it| $it.details.code? | default "" }))
  | merge (common help ($refusals | each {|it| $it.details.help? | default "" }))
  raise-at $typed.argument $"all ($refusals | length) were refused" $message
}

# A field with what all of them say; none if they differ, or say nothing.
def common [name: string, said: list<string>]: nothing -> record {
  let different = $said | uniq
  if ($different | length) == 1 and $different.0 != "" { {$name: $different.0} } else { {} }
}
