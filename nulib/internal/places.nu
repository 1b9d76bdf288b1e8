# Which places are in text that the user wrote.

# Where this module lies.
const FOLDER = path self ..

# A place to label in an error: null if it is not in the user's own text. The rows of another command of this module were
# made here, and point here; of what comes from the environment or the standard library nobody typed anything either.
def own []: oneof<record, nothing> -> oneof<record, nothing> {
  let span = $in
  if $span == null or $span.start >= $span.end { return }
  let file = view files | where {|it| $it.start <= $span.start and $span.end <= $it.end } | get 0?.filename
  if $file != null and not ($file | is-foreign) { $span }
}

# Raises an error with a label at a place, if that is in the user's own text.
export def raise-at [span: oneof<record, nothing>, label: string, message: record]: nothing -> error {
  let span = $span | own
  if $span == null { error make --unspanned $message }
  error make ($message | insert label {text: $label, span: $span})
}

# Whether a source of that name is none of the user's. What is typed has names like `entry #1`.
def is-foreign []: string -> bool {
  let file = $in
  if $file == "Host Environment Variables" or $file =~ '^std(-rfc)?/' { return true }
  ($file | str ends-with .nu) and ($file | path expand | str starts-with $"($FOLDER | path expand)(char path_sep)")
}
