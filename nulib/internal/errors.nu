# Errors that point at what the user typed.

# Runs `action`. An error of the plugin in it is raised again with its label on the user's own words instead of
# on a line of this module. `typed` has the spans of those words: `argument`, and `data_dir`, null where the user
# gave none.
export def blame [typed: record, action: closure]: nothing -> any {
  try { do $action } catch {|error|
    # Nushell 0.115 gives what its predecessors give as JSON as a record.
    let told = if "details" in $error { $error.details } else { $error.json | from json }
    let inner = $told.inner? | default [] | each {|fault| $fault.msg }
    let message = {msg: ([$told.msg ...$inner] | str join (char nl)), code: $told.code?, help: $told.help?} | compact-record
    let is_place = ($told.code? | default "") =~ '^orch::(daemon|status|tasks|format)'
    let text = $told.labels? | default [] | get 0?.text
    let span = if $is_place { $typed.data_dir } else { $typed.argument }
    if $text == null or $span == null { error make --unspanned $message }
    error make ($message | insert label {text: $text, span: $span})
  }
}

def compact-record []: record -> record {
  $in | transpose name value | where value != null | transpose --header-row --as-record
}
