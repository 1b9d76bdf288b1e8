# Batch workflows: submit a definition, follow it, look at it, steer it.
#
# Stands on the plugin `orch`, which has to be loaded first:
#
#     plugin add .venv/bin/nu_plugin_orch
#     plugin use orch
#     use nulib *

# At a prompt this module is not parsed before the plugin is there: names in it are bound once per Nushell
# (docs/decisions/0004). In a script, whose lines are parsed together, the check below says the same.
const IS_LOADED = ("orch" in ((version).installed_plugins | split row " ")) or not $nu.is-interactive
const COMMANDS = if $IS_LOADED { "commands" } else { "behind the plugin" }

export use $COMMANDS * # <- The plugin `orch` is not loaded. Type `plugin use orch`, then this again.
                       #    Nushell does not know it? Once: `plugin add .venv/bin/nu_plugin_orch` (the path of your installation).

export-env {
  use internal/plugin.nu require-plugin
  require-plugin
}
