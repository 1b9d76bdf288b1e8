"""The plugin protocol of Nushell as a machine without input and output.

Bytes from the engine go into `session.Session.receive` and come out as events (`messages`); its other methods give
the bytes that are to be sent. Nothing here reads a clock, a file or the environment.
"""
