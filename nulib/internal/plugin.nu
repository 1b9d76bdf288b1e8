# What this module needs from the plugin `orch`, and what it says when that is not there.

# Raises an error unless the plugin was loaded before this module.
#
# Names in a module are bound when it is parsed, once per Nushell: parsed without the plugin, `orch status`
# means an external program for as long as this shell lives, whatever is loaded later.
export def require-plugin []: nothing -> oneof<nothing, error> {
  if (which "orch status" | any {|found| $found.type == plugin }) { return }
  error make --unspanned {
    msg: "The plugin `orch` is not loaded, and `batch` commands stand on it."
    help: ([
      "Register it once: `plugin add .venv/bin/nu_plugin_orch` (the path of your installation)."
      "Then, in a new Nushell: `plugin use orch`, and after it `use nulib *`."
    ] | str join " ")
  }
}
