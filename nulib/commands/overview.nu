# `batch` alone: what there is.

use ../internal/nearby.nu
use ../internal/places.nu raise-at

# Show the commands of batch workflows.
#
# `help batch COMMAND` says more about one, with examples.
@category orch
@search-terms workflow help commands
@example "What there is" { batch }
@example "Commands that are about something" { batch | where description =~ tasks | get name }
export def batch [
  command?: string # Not a command: what is near it is told
  ...rest: any # What stands behind such a name
]: nothing -> table {
  let known = scope commands | where category == orch and name =~ '(^| )batch .' | sort-by name | select name description
  if $command != null { raise-unknown $command (metadata $command).span ($known | get name) }
  $known
}

# Raises an error about a name that is not there, under it.
def raise-unknown [command: string, span: record, known: list<string>]: nothing -> error {
  let names = $known | each {|it| $it | split row " " | last }
  let message = {msg: $"There is no command `batch ($command)`.", help: $"(nearby near $command $names)`batch` alone shows all, and `help batch COMMAND` says more."}
  raise-at $span "not a command" $message
}
