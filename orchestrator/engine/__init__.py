"""Pure deciding: events in, transitions and commands out. See ARCHITECTURE.md, "The engine"."""
