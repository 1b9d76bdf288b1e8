"""``orchestrator``: `serve` is the daemon, everything else is the shell command."""

import sys


def main() -> int:
    """Run what the command line says. Returns the exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["serve"]:
        from orchestrator import serve

        return serve.main(arguments[1:])
    from orchestrator.interfaces import cli

    return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(main())
