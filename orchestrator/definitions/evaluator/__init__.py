"""The isolated process that looks at definitions (facts of KCL: no time limit, no stack limit, files at hand).

Theory of operation
-------------------
One *service* a user and installation, started by whoever needs it first, reached by a socket in a private folder,
gone after minutes of idleness. It has the KCL library warm and never calls it: each request is answered by a forked
*child*, which gives up everything but reading the schemas and the definition's own folder, sets limits for itself,
looks, writes its report into a pipe and ends. What the definition does to it ends with it; the service tells a killed
or crashed child as a diagnostic. Children run beside each other, so that a slow definition holds nobody up.
"""
