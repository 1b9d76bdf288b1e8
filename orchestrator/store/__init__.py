"""The only writer of state: journal, recovery, public files, lock. See ARCHITECTURE.md, "The store"."""
