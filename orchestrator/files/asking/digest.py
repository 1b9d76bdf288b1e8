"""What a file is at this moment, as one word."""

from orchestrator.files import document
from orchestrator.files.permissions import explain
from orchestrator.model.errors import NotFound
from orchestrator.model.limits import DEFINITION_BYTES_MAX


def definition_digest(path: str) -> str:
    """``sha256:<hex>`` of the definition at `path`: if the daemon meets another, it says so instead of running it.

    Raises:
        NotFound: there is no such file, it cannot be read, or it is larger than a definition may be.
    """
    from hashlib import sha256

    try:
        return "sha256:" + sha256(document.read(path, DEFINITION_BYTES_MAX)).hexdigest()
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.", "Relative paths start at the current folder.") from None
    except OSError as error:
        why, remedy = explain(error, path)
        raise NotFound(f"{path} cannot be read: {why}", remedy) from error
    except document.Malformed as fault:
        raise NotFound(f"{path} is no definition: {fault}.") from fault
