"""Never imported: the orchestrator only looks up where this package lies. A test holds it to that."""

raise RuntimeError("the code of a provider package was run")
