"""Lists in sentences."""

from collections.abc import Sequence


def listed(names: Sequence[str], most: int | None = None) -> str:
    """Join names as a sentence does, `a, b and c`; a count stands for those beyond `most`, `a, b and 5 more`."""
    shown = list(names[:most])
    if len(names) > len(shown):
        shown.append(f"{len(names) - len(shown)} more")
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
