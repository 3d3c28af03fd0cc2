"""Collect what the group level left on disk into its page and the first page of the dataset."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from morbids.bids.dataset import morbids_version
from morbids.bids.names import output_path, sidecar_path
from morbids.bids.tables import read_table
from morbids.reports import tables
from morbids.reports.boilerplate import GroupChoices, group_methods
from morbids.reports.captions import figure
from morbids.reports.findings import Failure
from morbids.reports.group import ContrastReport, GroupReport, LeftOut, write_group_page
from morbids.reports.pages import Block, Link
from morbids.settings import Settings, Study
from morbids.workflows.execution import StepFailure
from morbids.workflows.group_plan import BUILT_IN, Comparison, GroupPlan
from morbids.workflows.participant_page import provenance
from morbids.workflows.progress import label_of
from morbids.workflows.steps.inference import ALPHA

REGION_COLUMNS: Mapping[str, str] = {
    "name": "Region",
    "n": "n",
    "effect": "Effect",
    "ci_low": "95 % from",
    "ci_high": "to",
    "t": "t",
    "p": "p",
    "p_holm": "p (Holm)",
    "p_fdr": "p (FDR)",
    "hedges_g": "Hedges' g",
}
CORRELATION_COLUMNS: Mapping[str, str] = {
    "trait": "Trait",
    "name": "Region",
    "kind": "Kind",
    "n": "n",
    "r": "Pearson r",
    "ci_low": "95 % from",
    "ci_high": "to",
    "p_permutation": "p (permutation)",
    "p_holm": "p (Holm)",
    "rho": "Spearman rho",
    "rho_p_permutation": "p (rho)",
}


def write_group_pages(
    plan: GroupPlan, failures: Sequence[StepFailure], study: Study, settings: Settings
) -> Path:
    """Write the group page; return its path."""
    contrasts = tuple(_report(comparison, plan, study, settings) for comparison in plan.comparisons)
    report = GroupReport(
        dataset=study.bids_dir.name,
        facts=(
            ("maps", len(plan.found.rows)),
            ("left out", len(plan.found.dropped)),
            ("smoothing", f"{settings.group_smoothing_fwhm_mm:g} mm"),
            ("mask", f"mean BP_ND ≥ {settings.mask_threshold:g}"),
        ),
        contrasts=contrasts,
        failures=tuple(
            Failure(label_of(failure.units[-1]), failure.step.replace("_", " "), failure.sentence)
            for failure in failures
        ),
        included_columns=("Scan", "Map"),
        included=tuple((row.label, Link(row.description, row.path)) for row in plan.found.rows),
        left_out=tuple(
            [LeftOut(dropped.label, "", dropped.reason) for dropped in plan.found.dropped]
            + [LeftOut("all", title, reason) for title, reason in plan.skipped.items()]
        ),
        methods=_methods(plan, study, settings),
        provenance=provenance(study, settings),
        links=tuple(_participants(study)),
    )
    return write_group_page(report, output_path(study.output_dir, {}, "group_page"))


def _participants(study: Study) -> Iterator[Link]:
    for page in sorted(study.output_dir.glob("sub-*.html")):
        yield Link(page.stem, page)


def _report(comparison: Comparison, plan: GroupPlan, study: Study, settings: Settings) -> ContrastReport:
    summary = _summary(comparison, study)
    activations, deactivations = _count_clusters(comparison, study)
    critical = summary.get("CriticalT")
    return ContrastReport(
        name=comparison.title,
        question=comparison.question,
        finding=_finding(activations, deactivations, summary, settings),
        n_maps=len(comparison.maps),
        n_activations=activations,
        n_deactivations=deactivations,
        design="one-sample t"
        if len(comparison.columns) == 1
        else f"regression on {', '.join(comparison.weights)}",
        inference=f"max-T family-wise p < {ALPHA:g}" + (f", |t| ≥ {critical:.2f}" if critical else ""),
        maps=tuple(_maps(comparison, study)),
        clusters=tuple(_clusters(comparison, study)),
        regions=tuple(_regions(comparison, plan, study)),
        correlations=tuple(_correlations(comparison, plan, study)),
    )


def _summary(comparison: Comparison, study: Study) -> dict[str, Any]:
    """What the t map's sidecar says of the test; empty when the test failed."""
    sidecar = sidecar_path(_map(comparison, study, "t"))
    return dict(json.loads(sidecar.read_text())["Test"]) if sidecar.exists() else {}


def _map(comparison: Comparison, study: Study, statistic: str) -> Path:
    named = {"model": BUILT_IN, "contrast": comparison.name, "stat": statistic}
    return output_path(study.output_dir, {}, "statistical_map", named)


def _table(comparison: str, study: Study, role: str) -> Path:
    return output_path(study.output_dir, {}, role, {"model": BUILT_IN, "contrast": comparison})


def _count_clusters(comparison: Comparison, study: Study) -> tuple[int, int]:
    """Clusters with a peak that passes the family-wise threshold, by direction."""
    path = _table(comparison.name, study, "clusters")
    if not path.exists():
        return 0, 0
    table = read_table(path)
    if "p_fwe_peak" not in table:
        return 0, 0
    passing = table[table["p_fwe_peak"] < ALPHA].drop_duplicates("cluster")["direction"]
    return int((passing == "activation").sum()), int((passing == "deactivation").sum())


def _finding(activations: int, deactivations: int, summary: Mapping[str, Any], settings: Settings) -> str:
    if not summary:
        return "The test failed; see above."
    kind = "all" if summary["Exhaustive"] else "random"
    count, smallest = summary["NumberOfRearrangements"], summary["SmallestP"]
    tested = f"{count} rearrangements ({kind}), smallest possible p {smallest:.2g}."
    if activations or deactivations:
        return (
            f"{activations} activated and {deactivations} deactivated clusters have a peak with family-wise "
            f"p < {ALPHA:g}. {tested}"
        )
    return (
        f"No voxel passes family-wise p < {ALPHA:g}; the clusters below were formed at uncorrected p < "
        f"{settings.cluster_forming_p:g} (two-tailed). {tested}"
    )


def _maps(comparison: Comparison, study: Study) -> Iterator[Block]:
    named = {"model": BUILT_IN, "contrast": comparison.name, "desc": "t"}
    path = output_path(study.output_dir, {}, "group_picture", named)
    if path.exists():
        yield figure("statistic_map", path)


def _clusters(comparison: Comparison, study: Study) -> Iterator[Block]:
    path = _table(comparison.name, study, "clusters")
    if path.exists():
        yield tables.read_table(path, f"Clusters and peaks of {comparison.title}, MNI mm")


def _regions(comparison: Comparison, plan: GroupPlan, study: Study) -> Iterator[Block]:
    """Region tests of the comparison of the mean."""
    if comparison.name not in {regions.name for regions in plan.regions}:
        return
    named = {"model": BUILT_IN, "contrast": comparison.name, "desc": "forest"}
    forest = output_path(study.output_dir, {}, "group_figure", named)
    if forest.exists():
        yield figure("forest", forest)
        yield tables.read_table(
            _table(comparison.name, study, "regions"), "A-priori regions, two-tailed", REGION_COLUMNS
        )


def _correlations(comparison: Comparison, plan: GroupPlan, study: Study) -> Iterator[Block]:
    """Correlations with traits, under the comparison of the mean."""
    path = _table(comparison.name, study, "correlations")
    if comparison.name not in {regions.name for regions in plan.regions} or not path.exists():
        return
    named = {"model": BUILT_IN, "contrast": comparison.name, "desc": "any"}
    folder = output_path(study.output_dir, {}, "group_figure", named).parent
    drawn = {
        path for path in folder.glob(f"contrast-{comparison.name}_desc-*.svg") if "forest" not in path.name
    }
    for picture in sorted(drawn):
        yield figure("correlation", picture)
    yield tables.read_table(path, "Correlations with traits", CORRELATION_COLUMNS)


def _methods(plan: GroupPlan, study: Study, settings: Settings) -> tuple[str, ...]:
    summaries = [summary for comparison in plan.comparisons if (summary := _summary(comparison, study))]
    if not summaries:
        return ()
    return group_methods(
        GroupChoices(
            version=morbids_version(),
            smoothing_fwhm_mm=settings.group_smoothing_fwhm_mm,
            mask_threshold=settings.mask_threshold,
            correction="max_t" if "max-t" in settings.inference else "uncorrected",
            alpha=ALPHA,
            n_permutations=summaries[0]["NumberOfRearrangements"],
            exhaustive=summaries[0]["Exhaustive"],
        )
    )
