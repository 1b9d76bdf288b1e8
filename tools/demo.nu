# The main job, step by step; run by tools/demo, which has started a daemon on $env.ORCH_DATA_DIR.

use ../nulib *

def main [] {
  step "A daemon holds the data directory" { orch status | select running tasks_pending data_dir }
  step "Is the definition right?" { batch submit data/examples/wuji.k --validate | select valid errors warnings elapsed }
  step "In which order would it run?" {
    batch submit data/examples/wuji.k --dry-run | select wave operation type target items
  }
  let workflow = step "Run it, and watch" { batch submit data/examples/wuji.k --watch }
  step "The workflow afterwards" { batch list | select id status duration }
  step "Its operations" { batch status (batch list | get 0.id) | get operations | select id status tasks }
  step "Its tasks" { orch tasks | select name status attempt duration }
  step "How many in which status" { orch tasks | group-by status --to-table | update items {|it| $it.items | length } }
  step "What the tasks printed" { batch logs (batch list | get 0.id) --operation install-k8s | select item line }
  step "All of it is plain files" { cd $env.ORCH_DATA_DIR; glob **/* --no-dir | path relative-to $env.ORCH_DATA_DIR | sort }
  step "One of them" { open (ls $"($env.ORCH_DATA_DIR)/tasks" | get 0.name) | select id status exit_code }
  step "Every file is what a replay of the journal gives" { ^.venv/bin/orchestrator verify }
  if $workflow.status != succeeded { error make --unspanned {msg: $"The sample ended as ($workflow.status)."} }
}

# Prints `command` as a person would type it, runs it, prints what it gives and returns that.
def step [title: string, command: closure]: nothing -> any {
  let typed = view source $command | str trim --char '{' | str trim --char '}' | str trim
  print $"\n(ansi attr_bold)# ($title)(ansi reset)" $"(ansi green)>(ansi reset) ($typed)"
  let result = do $command
  if $result != null { print ($result | table --expand --index false) }
  $result
}
