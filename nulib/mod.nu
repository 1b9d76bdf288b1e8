# Batch workflows: submit a definition, follow it, look at it, steer it.
#
# Stands on the plugin `orch`, which has to be loaded first:
#
#     plugin add .venv/bin/nu_plugin_orch
#     plugin use orch
#     use nulib *

export use batch.nu *
export use steer.nu *

export-env {
  use internal/plugin.nu require-plugin
  require-plugin
}
