"""Places in the journal as arguments: a moment, the seq of a record (42) or a cursor ('3:42')."""

import time

from nu_plugin_orch.call import WrongArgument
from nu_plugin_orch.commands.shared import moment_us
from orchestrator.files.moments import Position, parse_position
from orchestrator.model.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from nu_plugin_orch.call import Call


def position(call: "Call", argument: int) -> Position:
    """What a positional argument names; now, if it was not given. Raises WrongArgument."""
    now_us = time.time_ns() // 1000
    given = call.arguments.positional[argument] if argument < len(call.arguments.positional) else {"Nothing": {}}
    ((kind, payload),) = given.items()
    if kind == "Int":
        if payload["val"] < 0:
            raise WrongArgument(
                argument, f"There is no record {payload['val']}.", "less than 0", "Records count from 1."
            )
        return Position(seq=payload["val"])
    if kind != "String":
        told = moment_us(call, argument, now_us)
        return Position(time_us=now_us if told is None else told)
    try:
        return parse_position(payload["val"], now_us)
    except UsageError as error:
        raise WrongArgument(argument, error.message, "not a moment", error.help) from error
