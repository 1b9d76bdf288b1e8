# The main job, step by step; run by tools/demo, which has started a daemon on $env.ORCH_DATA_DIR.

use ../nulib *

def main [] {
  step "A daemon holds the data directory" { orch status | select running tasks_pending data_dir }
  step "Is the definition right?" {
    batch submit data/examples/wuji.k --validate | select valid errors warnings elapsed
  }
  step "In which order would it run?" {
    batch submit data/examples/wuji.k --dry-run | get waves | select wave operation type target items
  }
  let workflow = step "Run it, and watch" { batch submit data/examples/wuji.k --watch }
  step "The workflow afterwards" { batch list | select id status duration }
  step "Its operations" {
    batch status (batch list | get 0.id) --long | get operations | select id status depends_on
  }
  step "The same as a picture" { orch graph (batch list | get 0.id) }
  step "Its tasks" { orch tasks | select operation item status attempt duration }
  step "What took how long" { orch stats --by operation | select operation total succeeded median max }
  step "How many in which status" {
    orch tasks | group-by status --to-table | update items {|it| $it.items | length }
  }
  step "What one task printed" {
    batch logs (batch list | get 0.id) --item kubernetes | select stream line
  }
  step "The state ten records ago" {
    orch at ((orch status | get seq) - 10) | get tasks | select operation item status
  }
  step "All of it is plain files" { ls --short-names $env.ORCH_DATA_DIR | select name type size }
  step "One task" {
    ls ($env.ORCH_DATA_DIR | path join tasks) | get 0.name | open $in | select id status exit_code finished_at
  }
  step "One of the servers it made" {
    cd $env.ORCH_DATA_DIR; glob providers/local/servers/wuji-cp-0/** --no-dir | path relative-to $env.ORCH_DATA_DIR
  }
  step "Every file is what a replay of the journal gives" { ^.venv/bin/orchestrator verify }
  step "Without its daemon the directory says so" {
    ^.venv/bin/orchestrator stop; orch status | select running stale tasks_completed
  }
  if $workflow.status != succeeded { error make --unspanned {msg: $"The sample ended as ($workflow.status)."} }
}

# Prints `command` as a person would type it, runs it, prints what it gives and returns that.
def step [title: string, command: closure]: nothing -> any {
  let typed = view source $command | str trim --char '{' | str trim --char '}' | str trim
  print "" ($"# ($title)" | paint attr_bold) $"('>' | paint green) ($typed)"
  let result = do $command
  if $result != null { print ($result | table --expand --index false --width (width) | str trim --right) }
  $result
}

def paint [colour: string]: string -> string {
  let text = $in
  if "NO_COLOR" in $env or not (is-terminal --stdout) { return $text }
  $"(ansi $colour)($text)(ansi reset)"
}

# A pipe has no width of its own; 110 columns show everything.
def width []: nothing -> int {
  if (is-terminal --stdout) { (term size).columns } else { 110 }
}
