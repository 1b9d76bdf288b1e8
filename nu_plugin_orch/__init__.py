"""The Nushell plugin ``orch``: a data directory's status, tasks and changes as Nushell values."""
