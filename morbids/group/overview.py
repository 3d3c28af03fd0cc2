"""The page's claims about regions in one picture, for its first screen."""

from collections.abc import Iterator, Sequence

from morbids.group.claims import Claims, QuestionClaims
from morbids.group.outputs import GroupOutputs
from morbids.reports.captions import figure
from morbids.reports.figures.claims import ClaimedEffect, Panel, draw_claims
from morbids.reports.figures.style import write_figure
from morbids.reports.pages import Block

# Questions that fit side by side.
MOST_PANELS = 3


def picture_overview(outputs: Sequence[GroupOutputs], claims: Claims) -> Iterator[Block]:
    """Draw the first questions that ask for a change, else the first ones; nothing where no region was tested.

    Several contrasts at once have no single effect.
    """
    questions = [one for one in claims.questions if one.regions and not one.comparison.design.several]
    asked = [one for one in questions if one.comparison.family == "change"] or questions
    shown = [one for one in asked if one.comparison.label == asked[0].comparison.label][:MOST_PANELS]
    if shown:
        path = outputs[0].overview_path
        drawn = draw_claims([_panel(one) for one in shown], label=shown[0].comparison.label)
        yield figure("overview", write_figure(drawn, path))


def _panel(question: QuestionClaims) -> Panel:
    effects = [
        ClaimedEffect(
            region.label,
            region.effect,
            region.ci_low,
            region.ci_high,
            region.claimed,
            (region.null.low, region.null.high) if region.null else None,
            (region.page_low, region.page_high),
        )
        for region in question.regions
    ]
    return Panel(question.comparison.title, question.comparison.directions, effects)
