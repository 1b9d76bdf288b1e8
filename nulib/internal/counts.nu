# How far something is, as two numbers: what a table of 100 columns has room for.

# Of a count of tasks by status: those that have succeeded, and all of them.
export def done-of-all []: oneof<record, nothing> -> record<done: int, tasks: int> {
  let tasks = $in | default {}
  {done: ($tasks.succeeded? | default 0), tasks: ($tasks | values | append 0 | math sum)}
}
