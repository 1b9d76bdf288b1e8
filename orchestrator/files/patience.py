"""How long somebody may take who has others to serve."""

#: Files that may be looked at, and bytes of rows that may be looked through, while others wait.
QUICK_FILES = 300
QUICK_BYTES = 4 << 20


class TakesLonger(Exception):
    """The question was asked by somebody who has others to serve, and would take too long. Ask patiently."""
