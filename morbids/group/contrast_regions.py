"""What the group page says of the a-priori regions of one comparison: claims, places, two scans of the same people."""

from collections.abc import Iterator, Mapping

from morbids.bids.tables import read_table
from morbids.group import sentences
from morbids.group.claims import RegionClaim
from morbids.group.comparison import Comparison
from morbids.group.contrast_results import ContrastResults
from morbids.group.places import choose_places
from morbids.reports import tables
from morbids.reports.pages import Block, Cell, Folded, PValue, Table, Text

REGION_CLAIMS = (
    *("Region", "n", "Effect", "95 % from", "to", "t", "p", "p (page)", "Claimed"),
    *("Protocol alone from", "to ", "Compared"),
)
REGION_CLAIMS_OF_F = ("Region", "n", "F", "p", "p (page)", "Claimed")
RETEST_COLUMNS: Mapping[str, str] = {
    "label": "Region",
    "n": "n",
    "change_percent": "Change (%)",
    "change_percent_low": "from",
    "change_percent_high": "to",
    "variability_percent": "Variability (%)",
    "variability_percent_low": "from ",
    "variability_percent_high": "to ",
    "icc_agreement": "ICC(A,1)",
    "icc_agreement_low": "from  ",
    "icc_agreement_high": "to  ",
    "icc_consistency": "ICC(C,1)",
    "icc_consistency_low": "from   ",
    "icc_consistency_high": "to   ",
}
OCCUPANCY_COLUMNS: Mapping[str, str] = {
    "scan": "Participant",
    "occupancy_percent": "Occupancy (%)",
    "standard_error_percent": "SE (%)",
    "nondisplaceable": "Meets the axis at",
    "r": "r",
}
# What the command line calls the folder of the results.
OUTPUT = "OUTPUT_DIR"


def tell_regions(contrast: ContrastResults) -> Iterator[Block]:
    """Every region with its test, and the figures of places."""
    if contrast.question is None or not contrast.question.regions:
        return
    source = (
        "regional estimates of each scan"
        if contrast.outputs.reads_tables
        else "means of the unsmoothed maps in spheres"
    )
    yield from contrast.plot("forest", "forest")
    yield from contrast.plot("strip", "strip")
    sides = ", left and right averaged" if contrast.outputs.averages_sides else ""
    several = contrast.comparison.design.several
    tails = "F tests" if several else "one-tailed" if contrast.comparison.expected else "two-tailed"
    caption = (
        f"A-priori regions{sides}, {tails}; values are {source}; p (page): corrected for the page's tests"
    )
    path = contrast.outputs.path("regions")
    places = tuple(contrast.outputs.centre_of(region.name) for region in contrast.question.regions)
    columns, row = (REGION_CLAIMS_OF_F, _row_of_f) if several else (REGION_CLAIMS, _row_of_t)
    rows = tuple(row(region, contrast.comparison) for region in contrast.question.regions)
    yield Table(columns, rows, caption, path, places)
    yield from _places(contrast)


def _row_of_t(region: RegionClaim, comparison: Comparison) -> tuple[Cell, ...]:
    null = (region.null.low, region.null.high) if region.null else (None, None)
    return (
        *(region.label, region.n, region.effect, region.ci_low, region.ci_high, region.t),
        *(PValue(region.p), PValue(region.p_page), sentences.direction_if_claimed(region, comparison)),
        *(*null, sentences.say_null(region)),
    )


def _row_of_f(region: RegionClaim, comparison: Comparison) -> tuple[Cell, ...]:
    """Of several contrasts at once, which have no single effect."""
    return (
        *(region.label, region.n, region.f, PValue(region.p), PValue(region.p_page)),
        sentences.direction_if_claimed(region, comparison),
    )


def _places(contrast: ContrastResults) -> Iterator[Block]:
    """The figures of a paper, folded."""
    if contrast.question is None:
        return
    chosen = choose_places(contrast.question, contrast.outputs)
    figures = [block for place in chosen for block in contrast.plot("place", place.desc)]
    if figures:
        command = (
            f"python -m morbids.figures {OUTPUT} place --contrast {contrast.comparison.name} --place NAME"
        )
        yield Folded("Figures for a paper", (Text((f"Redraw one, or another place: {command}",)), *figures))


def tell_two_scans(contrast: ContrastResults) -> Iterator[Block]:
    """Change, agreement and occupancy of two scans of the same people: descriptions, not claims."""
    path = contrast.outputs.path("regions", desc="retest")
    if contrast.comparison.scans is None or not path.exists():
        return
    named = read_table(path).iloc[0]
    yield tables.read_table(
        path, f"{named['other']} against {named['reference']}, with 95 % intervals", RETEST_COLUMNS
    )
    occupancy = contrast.outputs.path("regions", desc="occupancy")
    if occupancy.exists() and read_table(occupancy)["occupancy_percent"].notna().any():
        yield from contrast.plot("lassen", "lassen")
        yield tables.read_table(occupancy, "Occupancy over the a-priori regions", OCCUPANCY_COLUMNS)
