"""What the group page says and shows of one comparison, read from what is on disk."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pandas as pd

from morbids.bids.tables import read_table
from morbids.group import sentences
from morbids.group.contrast_answer import first_row
from morbids.group.contrast_regions import tell_regions, tell_two_scans
from morbids.group.contrast_results import ContrastResults
from morbids.group.contrast_sensitivity import tell_corrections
from morbids.group.everyone import find_everyone
from morbids.group.steps import correlations
from morbids.reports import tables
from morbids.reports.group import ContrastReport
from morbids.reports.pages import Alert, Block, Cell, Facts, Text, Viewer

# What matters most stands first: a wide table is seen from its left.
CLUSTER_COLUMNS: Mapping[str, str] = {
    "cluster": "Cluster",
    "claimed": "Claimed",
    "AAL": "AAL",
    "direction": "Direction",
    "extent_mm3": "Volume (mm³)",
    "x_mm": "x (mm)",
    "y_mm": "y (mm)",
    "z_mm": "z (mm)",
    "pseudo_t": "pseudo-t",
    "t": "t",
    "f": "F",
    "z": "Z",
    "hedges_g": "g",
    "HarvardOxford": "Harvard-Oxford",
    "protocol": "Protocol alone",
}
CORRELATION_COLUMNS: Mapping[str, str] = {
    "trait": "Trait",
    "label": "Region",
    "kind": "Kind",
    "n": "n",
    "r": "Pearson r",
    "ci_low": "95 % from",
    "ci_high": "to",
    "p": "p",
    "p_page": "p (page)",
    "rho": "Spearman rho",
    "rho_p_permutation": "p (rho)",
    "rho_p_holm": "p (rho, Holm)",
}
INFLUENCE_COLUMNS: Mapping[str, str] = {
    "scan": "Scan",
    "distance": "Distance",
    "distance_sd": "in robust SD",
    "correlation": "r with the others",
    "effect_change": "Effect moves by (SE)",
    "voxels_lost": "Voxels that it alone takes out",
    "peak_t_without": "Peak t without it",
}
VIEWER = (
    "Press or drag in a slice, or use the arrow keys; ⊕ in a table leads here. Outlined: what the page claims. Numbers "
    "are those of the nearest voxel, in 127 steps; the tables have them in full."
)
# Influence tables longer than this are left to the file.
_LONGEST_TABLE = 40


def report_contrast(contrast: ContrastResults) -> ContrastReport:
    """Everything that the page shows of it."""
    expected = sentences.say_expected(contrast.comparison)
    question = contrast.question
    return ContrastReport(
        name=contrast.comparison.title,
        heading=_heading(contrast),
        question=contrast.comparison.question,
        finding=sentences.say_finding(question),
        claimed=question is not None and question.claimed,
        answers=tuple(first_row(contrast)),
        n_maps=len(contrast.comparison.labels),
        design=f"{contrast.comparison.design.words}{f'; {expected}' if expected else ''}",
        inference=sentences.outline_of(question.brain if question else None),
        warnings=tuple(filter(None, [sentences.say_warning(question)])) if question else (),
        maps=tuple(_maps(contrast)),
        clusters=tuple(_clusters(contrast)),
        regions=(*tell_regions(contrast), *tell_two_scans(contrast)),
        correlations=tuple(_correlations(contrast)),
        sensitivity=tuple(tell_corrections(contrast)) if contrast.summary else (),
        circular=tuple(_circular(contrast)),
        influence=tuple(_influence(contrast)),
    )


def _heading(contrast: ContrastResults) -> str:
    """Questions to maps of one kind stand together, and so do those between kinds."""
    if contrast.comparison.family == "between":
        return "Between scans"
    kinds = contrast.outputs.plan.group.kinds
    asked = {kind.name: kind.short for kind in kinds if contrast.comparison.name.startswith(kind.name)}
    return asked[max(asked, key=len)] if asked else "Questions of the model"


def _viewer(contrast: ContrastResults) -> Iterator[Block]:
    """The interactive brain, where its packs were made."""
    packs = [
        contrast.outputs.path_of(one) for one in (contrast.outputs.anatomy_pack, contrast.outputs.maps_pack)
    ]
    if not all(path.exists() for path in packs):
        return
    everyone = find_everyone(contrast.comparison, contrast.outputs.plan)
    people = contrast.outputs.path_of(contrast.outputs.everyone_pack(everyone.name)) if everyone else None
    there = people if people is not None and people.exists() else None
    yield Viewer(tuple(packs), VIEWER, there)


def _maps(contrast: ContrastResults) -> Iterator[Block]:
    yield from _viewer(contrast)
    yield from contrast.picture("glass_brain", "glass")
    yield from contrast.picture("statistic_map", "t")
    brain = contrast.question.brain if contrast.question is not None else None
    if brain is not None and any(place.could_be_protocol for place in brain.located.places):
        yield Alert(
            "flag", "Outlined places could be the protocol.", sentences.say_finding(contrast.question)
        )
    yield from contrast.picture("effect_map", "effect")
    if contrast.summary:
        yield Facts(tuple(_facts(contrast)))
    if len(contrast.comparison.design.columns) > 1:
        yield from contrast.plot("design", "design")


def _facts(contrast: ContrastResults) -> Iterator[tuple[str, Cell]]:
    summary = contrast.summary
    tested, low_high = summary.get("DegreesOfFreedomTested"), summary.get("DegreesOfFreedomRange")
    df = (f"{tested}, " if tested else "") + f"{summary['DegreesOfFreedom']:.4g}"
    yield (
        "degrees of freedom",
        df + (f" (median; {low_high[0]:.1f} to {low_high[1]:.1f})" if low_high else ""),
    )
    yield "voxels tested", summary["NumberOfVoxels"]
    yield "mask", summary["Mask"]
    if "FWHMmm" in summary:
        width = " × ".join(f"{value:.1f}" for value in summary["FWHMmm"])
        yield "noise width (mm)", width
        yield "resels", f"{summary['Resels'][3]:.0f}"
    elif "RandomField" in summary:
        yield "random field", summary["RandomField"]


def _clusters(contrast: ContrastResults) -> Iterator[Block]:
    path = contrast.outputs.path("clusters")
    if not path.exists():
        return
    if read_table(path).empty:
        yield Text((f"No cluster forms at uncorrected p < {contrast.outputs.settings.cluster_forming_p:g}.",))
        return
    yield from contrast.picture("peaks", "peaks")
    table = contrast.table("clusters", f"Clusters and peaks of {contrast.comparison.title}", CLUSTER_COLUMNS)
    peaks = read_table(path)[["x_mm", "y_mm", "z_mm"]].to_numpy(dtype=float)
    yield replace(table, places=tuple((x, y, z) for x, y, z in peaks.tolist()))


def _correlations(contrast: ContrastResults) -> Iterator[Block]:
    if not contrast.comparison.trait or not contrast.outputs.path("correlations").exists():
        return
    for name in contrast.outputs.correlation_pictures(correlations.INDEPENDENT):
        yield from contrast.plot("correlation", name)
    caption = (
        "The slope in each a-priori region as a correlation: p of r is that of the slope; p (page) is corrected "
        "for all tests of the page"
    )
    yield contrast.table("correlations", caption, CORRELATION_COLUMNS)


def _circular(contrast: ContrastResults) -> Iterator[Block]:
    """Only where a cluster is significant; pictures of an earlier run do not come back."""
    path = contrast.outputs.path("correlations", desc="circular")
    if not contrast.comparison.trait or not path.exists():
        return
    for name in contrast.outputs.correlation_pictures(correlations.CIRCULAR):
        yield from contrast.plot("correlation", name)
    yield tables.read_table(path, "Correlations within claimed clusters", CORRELATION_COLUMNS)


def _influence(contrast: ContrastResults) -> Iterator[Block]:
    path = contrast.outputs.path("influence")
    if not path.exists():
        return
    far = _far(read_table(path))
    if far:
        yield Alert("flag", f"Far from the others: {', '.join(far)}.", "A reason to look, not to drop.")
    yield from contrast.plot("influence", "influence")
    if len(contrast.comparison.labels) <= _LONGEST_TABLE:
        yield contrast.table("influence", "Each map, and the result without it", INFLUENCE_COLUMNS)


def _far(table: pd.DataFrame) -> list[str]:
    return [str(scan) for scan, z in zip(table["scan"], table["distance_sd"], strict=True) if z > 3]
