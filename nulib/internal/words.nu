# Words that the plugin's tables use, in the order in which people are shown them.

export const FORMATS = [table json yaml]

export const WORKFLOW_STATUSES = [
  queued
  running
  paused
  pending_approval
  rejected
  rolling_back
  succeeded
  failed
  cancelled
  rolled_back
  rollback_failed
]

# Statuses that nothing changes any more.
export const FINAL_STATUSES = [rejected succeeded failed cancelled rolled_back rollback_failed]

# Colour of a status on a terminal; one that is not here stays plain.
export const COLOURS = {
  running: blue
  waiting_retry: yellow
  rolling_back: yellow
  succeeded: green
  failed: red
  timed_out: red
  upstream_failed: red
  rollback_failed: red
  cancelled: yellow
  rolled_back: yellow
}
