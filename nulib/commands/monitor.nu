# `batch monitor`: workflows as they go, for people.

use ../complete.nu *
use ../internal/errors.nu [INTERRUPTED again blame]
use ../internal/input.nu [taken workflows-of]
use ../internal/plugin.nu require-plugin
use ../internal/progress.nu
use ../internal/watching.nu

# Show workflows as they go, redrawn in place.
#
# Without an id it is all that are not over; with one its operations, until it
# ends: then the answer is how it ended. q, Esc and Ctrl-C end the display, and
# the workflows go on.
#
# Where nothing can be redrawn (no terminal, or with --lines) it prints a line
# for each change.
@category orch
@search-terms workflow watch live progress dashboard top follow
@example "Follow all workflows" { batch monitor }
@example "Follow one to its end" { batch monitor wuji-full-deployment-4k7q0d }
@example "Submit a definition and look on" { batch submit data/examples/wuji.k | batch monitor }
@example "Print lines instead" { batch monitor wuji-full-deployment-4k7q0d --lines | get status }
export def "batch monitor" [
  workflow_id?: string@"nu-complete batch workflows" # Only this workflow
  --lines # Print a line for each change instead
  --data-dir: directory # Data directory to read
]: [nothing -> any, string -> any, list<any> -> any, table -> any, record -> any, any -> any] {
  let input = taken
  require-plugin
  let named = if $workflow_id != null or $input.value == null { [] } else {
    workflows-of $input monitor "batch submit x.k | batch monitor"
  }
  if ($named | length) > 1 {
    error make --unspanned {msg: "`batch monitor` shows one workflow, or all.", help: "Without an id it shows all that are not over."}
  }
  let workflow = $workflow_id | default $named.0?
  let typed = {
    argument: (if $workflow_id != null { (metadata $workflow_id).span } else { $input.span })
    data_dir: (if $data_dir != null { (metadata $data_dir).span })
  }
  if not $lines and (is-terminal --stdout) and ($env.TERM? | default "dumb") != dumb {
    return (blame $typed { orch watch $workflow --live --data-dir $data_dir })
  }
  if $workflow == null { return (lines-of-all $data_dir) }
  let state = blame $typed { orch workflow $workflow --data-dir $data_dir }
  watching as-it-goes $state $data_dir
}

# Prints a line for each change of any task, until somebody presses Ctrl-C.
def lines-of-all [data_dir?: string]: nothing -> oneof<nothing, error> {
  print --stderr "Changes of all workflows. Ctrl-C ends it."
  let seen = try { print-all $data_dir } catch {|error|
    if $error.msg != $INTERRUPTED { again $error {argument: null, data_dir: null} }
  }
  if $seen == null { error make --unspanned {msg: "Interrupted. The workflows go on."} } # as in watching.nu
}

def print-all [data_dir?: string]: nothing -> record {
  orch watch --data-dir $data_dir | reduce --fold {ended: false} {|change, seen| progress tell-of $change; $seen | update ended true } | select ended
}
