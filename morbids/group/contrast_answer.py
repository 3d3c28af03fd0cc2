"""What the first screen of the group page says of one comparison: a row of its table."""

from collections.abc import Iterator

from morbids.bids.tables import read_table
from morbids.group import sentences
from morbids.group.contrast_results import ContrastResults
from morbids.reports.numbers import format_p
from morbids.reports.pages import Cell


def first_row(contrast: ContrastResults) -> Iterator[Cell]:
    """Its row on the first screen."""
    if _is_told_elsewhere(contrast):
        return
    question = contrast.question
    if question is None:
        yield from ("the test failed", *[None] * 5)
        return
    region = sentences.strongest(question)
    yield sentences.say_effect(region) if region else None
    yield sentences.say_regions(question) or "nothing"
    yield sentences.say_brain(question)
    yield _small_volumes(contrast)
    yield _traits(contrast)
    yield sentences.say_protocol_alone(question)


def _is_told_elsewhere(contrast: ContrastResults) -> bool:
    """Whether the row of the same maps' mean speaks of this slope."""
    names = [f"{one.name}By" for one in contrast.outputs.plan.comparisons if not one.trait]
    return bool(contrast.comparison.trait) and any(map(contrast.comparison.name.startswith, names))


def _small_volumes(contrast: ContrastResults) -> str | None:
    """The small volume with the smallest p, corrected for all of them."""
    path = contrast.outputs.path("regions", desc="smallvolumes")
    if not contrast.outputs.plan.small_volumes.names or not path.exists():
        return None
    table = read_table(path).dropna(subset=["p_holm"])
    if table.empty:
        return None
    best = table.sort_values("p_holm").iloc[0]
    return f"{best['label']}, p (Holm) {format_p(float(best['p_holm']))}"


def _traits(contrast: ContrastResults) -> str | None:
    """What is claimed of the slopes of the same maps on traits."""
    if contrast.comparison.trait:
        return None
    slopes = [
        one
        for one in contrast.claims.questions
        if one.comparison.trait and one.comparison.name.startswith(f"{contrast.comparison.name}By")
    ]
    claimed = [f"{one.comparison.trait_words}: {sentences.say_claimed(one)}" for one in slopes if one.claimed]
    return "; ".join(claimed) or ("nothing" if slopes else None)
