"""The file contract for a second process: where things are, how to read them, how to leave a request.

Nothing here writes to the data directory, but for one atomic file in ``inbox/``. Importable in a few
milliseconds: see ARCHITECTURE.md, "Light modules".
"""
