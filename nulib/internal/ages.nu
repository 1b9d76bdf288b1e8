# How long ago something was, in one glance.

# `3 min ago` behind `before`, in the words of `orch`; empty for what is no time.
export def ago [before: string, time: any]: nothing -> string {
  if ($time | describe) !~ '^date' { return "" }
  let seconds = ((date now) - $time) // 1sec
  let unit = [[seconds name]; [86400 d] [3600 h] [60 min] [1 s]] | where seconds <= $seconds | get 0?
  if $unit == null { $"($before)now" } else { $"($before)($seconds // $unit.seconds) ($unit.name) ago" }
}
