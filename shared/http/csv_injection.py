"""CSV injection (OWASP): a cell that begins like a formula is run by the spreadsheet that opens the file."""

from collections.abc import Iterable

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")


def neutralise(cell: str) -> str:
    """The cell with an apostrophe in front if a spreadsheet would run it, otherwise unchanged."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA_STARTS) else cell


def neutralise_row(cells: Iterable[object]) -> list[str]:
    """The cells as text, each neutralised; None becomes an empty cell."""
    return [neutralise("" if cell is None else str(cell)) for cell in cells]
