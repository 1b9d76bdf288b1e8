"""From rows of `orchestrator.files` to Nushell values and streams."""
