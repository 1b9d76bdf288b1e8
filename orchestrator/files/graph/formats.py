"""A graph in the form that somebody asks for: the one list of forms that the shell command and the plugin share."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.files.graph.model import Graph

#: {form: what it is}; `text` has settings of its own (`graph.text`), and of a record the shell prints JSON.
FORMATS = {
    "text": "a picture for people",
    "record": "tables of nodes and edges",
    "mermaid": "for documents that draw it",
    "dot": "for Graphviz",
    "svg": "a picture file",
}


def drawn(graph: "Graph", form: str) -> str:
    """`graph` as text of the form ``mermaid``, ``dot`` or ``svg``.

    Raises:
        TooLarge: it is too large for a picture.
    """
    if form == "mermaid":
        from orchestrator.files.graph.mermaid import mermaid

        return mermaid(graph)
    if form == "dot":
        from orchestrator.files.graph.dot import dot

        return dot(graph)
    from orchestrator.files.graph.svg import svg

    return svg(graph)
