"""The imperative shell: the loop, and what it waits for. See ARCHITECTURE.md, "The runtime"."""
