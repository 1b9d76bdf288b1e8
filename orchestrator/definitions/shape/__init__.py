"""What happens to a definition's values before they become a plan (R1-71 to R1-74).

Four steps, in this order, on the raw values of one workflow:

1. `layers`, `overlay`: the file of an environment is laid over them, and must obey the schema as they do (`kinds`).
2. `names`: items with ``{{ index }}`` become the names they stand for.
3. `templates`, `render`: templates become the commands of their operations.
4. `places`, `origins`: who asks where a value stands, or where it comes from, is told the file and the line.

Everything here runs in the evaluator's child process. `sandbox` is the only module that knows Jinja, and is imported
when a definition first needs it: most never do, and the import would cost each start of the evaluator a quarter more.
"""
