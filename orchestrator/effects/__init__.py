"""The only code that starts, adopts and ends the processes of tasks. `local` has the theory of operation."""
