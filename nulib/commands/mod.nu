# The commands `batch …`, a file for each thing that is done with workflows.

export use submit.nu *
export use validate.nu *
export use foresee.nu *
export use look.nu *
export use monitor.nu *
export use steer.nu *
export use retry.nu *
# At last: where `batch` is known and `batch list` is not yet, `list` would be its argument in the examples of the others.
export use overview.nu *
