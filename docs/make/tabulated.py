"""Tables of Markdown."""

import re
from collections.abc import Iterable


def row(*cells: object) -> str:
    """A row; a bar inside of a cell is no border."""
    return "| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", str(cell)) for cell in cells) + " |"


def table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> list[str]:
    """Lines of a table."""
    names = list(head)
    return [row(*names), row(*("---" for _ in names)), *(row(*cells) for cells in rows)]
