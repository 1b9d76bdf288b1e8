"""Where the library finds what a definition imports: its own folder, the module around it, and our schemas."""

from __future__ import annotations

import os

from orchestrator.definitions.kcl import PACKAGE

#: Where a file is said to lie if its own folder holds something that hides the schema package.
_ELSEWHERE = "/definition"


def module_root(folder: str) -> str:
    """The nearest folder upwards with a kcl.mod, else `folder`."""
    root = folder
    while not os.path.exists(f"{root}/kcl.mod"):
        parent = os.path.dirname(root)
        if parent == root:
            return folder
        root = parent
    return root


def where(path: str, package: str) -> tuple[str, dict[str, str]]:
    """(path to evaluate a file under, {package: folder}); `package` is the folder of the schemas.

    KCL refuses a package that is also found beside the file. Such a file is evaluated as if it lay elsewhere, with
    the folders beside it handed over one by one.
    """
    folder = os.path.dirname(path)
    packages = {PACKAGE: package}
    roots = [folder, module_root(folder)]
    if not any(os.path.exists(f"{root}/{PACKAGE}{end}") for root in roots for end in (".k", "")):
        return path, packages
    for name in sorted(os.listdir(folder)):
        inner = f"{folder}/{name}"
        if name != PACKAGE and os.path.isdir(inner) and any(each.endswith(".k") for each in os.listdir(inner)):
            packages[name] = inner
    return f"{_ELSEWHERE}/{os.path.basename(path)}", packages
