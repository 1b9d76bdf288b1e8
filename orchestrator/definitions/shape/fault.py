"""Why a template cannot be rendered, for those who may not import what renders."""

from __future__ import annotations


class RenderFault(Exception):
    """A template cannot be rendered. `template` and `line` are None where that cannot be told."""

    def __init__(self, code: str, message: str, help: str = "", template: str | None = None, line: int | None = None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.help = help
        self.template = template
        self.line = line
