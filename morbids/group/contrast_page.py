"""What the group page says and shows of one comparison, read from what is on disk."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from morbids.bids.tables import read_table
from morbids.group import sentences
from morbids.group.claims import Claims
from morbids.group.everyone import find_everyone
from morbids.group.outputs import GroupOutputs
from morbids.group.places import choose_places
from morbids.group.steps import correlations
from morbids.numerics.statistics.methods import ALPHA, METHODS
from morbids.reports import tables
from morbids.reports.captions import FigureKind, figure
from morbids.reports.group import ContrastReport
from morbids.reports.numbers import format_p
from morbids.reports.pages import Alert, Block, Cell, Facts, Folded, PValue, Table, Text, Viewer

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
SENSITIVITY_COLUMNS: Mapping[str, str] = {
    "cluster": "Cluster",
    "AAL": "AAL",
    "direction": "Direction",
    **{method.column: f"p ({method.brief})" for method in METHODS.values()},
}
REGION_CLAIMS = (
    *("Region", "n", "Effect", "95 % from", "to", "t", "p", "p (page)", "Claimed"),
    *("Protocol alone from", "to ", "Compared"),
)
REGION_CLAIMS_OF_F = ("Region", "n", "F", "p", "p (page)", "Claimed")
SMALL_VOLUME_COLUMNS: Mapping[str, str] = {
    "label": "Small volume",
    "volume_mm3": "Volume (mm³)",
    "x_mm": "x (mm)",
    "y_mm": "y (mm)",
    "z_mm": "z (mm)",
    "t": "largest t",
    "f": "largest F",
    "p_uncorrected": "p",
    "p_small_volume": "p (within it)",
    "p_holm": "p (Holm over volumes)",
    "p_random_field": "p (random field)",
}
REGION_COLUMNS: Mapping[str, str] = {
    "label": "Region",
    "n": "n",
    "effect": "Effect",
    "ci_low": "95 % from",
    "ci_high": "to",
    "t": "t",
    "f": "F",
    "p": "p",
    "p_holm": "p (Holm)",
    "p_fdr": "p (FDR)",
    "hedges_g": "Hedges' g",
}
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
# What the command line calls the folder of the results.
OUTPUT = "OUTPUT_DIR"
VIEWER = (
    "Press or drag in a slice, or use the arrow keys; ⊕ in a table leads here. Outlined: what the page claims. Numbers "
    "are those of the nearest voxel, in 127 steps; the tables have them in full."
)
# Influence tables longer than this are left to the file.
_LONGEST_TABLE = 40


class ContrastPage:
    """Collects the report of one comparison, with what the record of claims says of it."""

    def __init__(self, outputs: GroupOutputs, claims: Claims) -> None:
        self.outputs = outputs
        self.comparison = outputs.comparison
        self.summary = outputs.summary
        self.claims = claims
        self.question = claims.of(outputs.comparison)

    def report(self) -> ContrastReport:
        """Everything that the page shows of it."""
        expected = sentences.say_expected(self.comparison)
        question = self.question
        return ContrastReport(
            name=self.comparison.title,
            heading=self._heading(),
            question=self.comparison.question,
            finding=sentences.say_finding(question),
            claimed=question is not None and question.claimed,
            answers=tuple(self._answers()),
            n_maps=len(self.comparison.labels),
            design=f"{self.comparison.design.words}{f'; {expected}' if expected else ''}",
            inference=sentences.outline_of(question.brain if question else None),
            warnings=tuple(filter(None, [sentences.say_skewness(question)])) if question else (),
            maps=tuple(self._maps()),
            clusters=tuple(self._clusters()),
            regions=(*self._regions(), *self._two_scans()),
            correlations=tuple(self._correlations()),
            sensitivity=tuple(self._sensitivity()) if self.summary else (),
            circular=tuple(self._circular()),
            influence=tuple(self._influence()),
        )

    def _heading(self) -> str:
        """Questions to maps of one kind stand together, and so do those between kinds."""
        if self.comparison.family == "between":
            return "Between scans"
        kinds = self.outputs.plan.group.kinds
        asked = {kind.name: kind.short for kind in kinds if self.comparison.name.startswith(kind.name)}
        return asked[max(asked, key=len)] if asked else "Questions of the model"

    def _is_told_elsewhere(self) -> bool:
        """Whether the row of the same maps' mean speaks of this slope."""
        names = [f"{one.name}By" for one in self.outputs.plan.comparisons if not one.trait]
        return bool(self.comparison.trait) and any(map(self.comparison.name.startswith, names))

    def _answers(self) -> Iterator[Cell]:
        """Its row on the first screen."""
        if self._is_told_elsewhere():
            return
        question = self.question
        if question is None:
            yield from ("the test failed", *[None] * 5)
            return
        region = sentences.strongest(question)
        yield sentences.say_effect(region) if region else None
        yield sentences.say_regions(question) or "nothing"
        yield sentences.say_brain(question)
        yield self._small_volumes()
        yield self._traits()
        yield sentences.say_protocol_alone(question)

    def _small_volumes(self) -> str | None:
        """The small volume with the smallest p, corrected for all of them."""
        path = self.outputs.path("regions", desc="smallvolumes")
        if not self.outputs.plan.small_volumes.names or not path.exists():
            return None
        table = read_table(path).dropna(subset=["p_holm"])
        if table.empty:
            return None
        best = table.sort_values("p_holm").iloc[0]
        return f"{best['label']}, p (Holm) {format_p(float(best['p_holm']))}"

    def _traits(self) -> str | None:
        """What is claimed of the slopes of the same maps on traits."""
        if self.comparison.trait:
            return None
        slopes = [
            one
            for one in self.claims.questions
            if one.comparison.trait and one.comparison.name.startswith(f"{self.comparison.name}By")
        ]
        claimed = [f"{one.comparison.trait}: {sentences.say_claimed(one)}" for one in slopes if one.claimed]
        return "; ".join(claimed) or ("nothing" if slopes else None)

    def _viewer(self) -> Iterator[Block]:
        """The interactive brain, where its packs were made."""
        packs = [self.outputs.path_of(one) for one in (self.outputs.anatomy_pack, self.outputs.maps_pack)]
        if not all(path.exists() for path in packs):
            return
        everyone = find_everyone(self.comparison, self.outputs.plan)
        people = self.outputs.path_of(self.outputs.everyone_pack(everyone.name)) if everyone else None
        there = people if people is not None and people.exists() else None
        yield Viewer(tuple(packs), VIEWER, there)

    def _maps(self) -> Iterator[Block]:
        yield from self._viewer()
        yield from self._picture("glass_brain", "glass")
        yield from self._picture("statistic_map", "t")
        if self.question is not None and self.question.could_be_protocol:
            yield Alert(
                "flag", "Outlined places could be the protocol.", sentences.say_finding(self.question)
            )
        yield from self._picture("effect_map", "effect")
        if self.summary:
            yield Facts(tuple(self._facts()))
        if len(self.comparison.design.columns) > 1:
            yield from self._figure("design", "design")

    def _sensitivity(self) -> Iterator[Block]:
        """What other corrections say of this contrast alone."""
        yield self._corrections()
        if self.outputs.path("clusters").exists() and not read_table(self.outputs.path("clusters")).empty:
            caption = f"Clusters of {self.comparison.title} by every correction"
            yield self._table("clusters", caption, SENSITIVITY_COLUMNS)
        small = self.outputs.path("regions", desc="smallvolumes")
        if self.outputs.plan.small_volumes.names and small.exists():
            caption = "Small volumes chosen beforehand, each searched on its own"
            yield _read_table(small, caption, SMALL_VOLUME_COLUMNS)
            yield from self._reach(read_table(small))
        for desc, caption in (("", "A-priori regions"), ("sides", "A-priori regions, each side on its own")):
            path = self.outputs.path("regions", **({"desc": desc} if desc else {}))
            if path.exists():
                yield _read_table(
                    path, f"{caption}; Holm and FDR over the regions of this contrast", REGION_COLUMNS
                )

    def _reach(self, volumes: pd.DataFrame) -> Iterator[Block]:
        """Say where Holm's correction of permutations cannot reach the level."""
        told: dict[str, Any] = next((test for test in self.summary["Tests"] if test["Method"] == "max-t"), {})
        tested = int(volumes["p_holm"].notna().sum())
        best = told.get("SmallestPossibleP", 0.0) * tested
        if best > ALPHA:
            yield Text(
                (f"With this number of maps Holm over {tested} small volumes gives {best:.2g} at best.",)
            )

    def _corrections(self) -> Table:
        """What passes at which correction."""
        named = [word for word in self.comparison.directions if word]
        rows: list[tuple[Cell, ...]] = []
        for test in self.summary["Tests"]:
            height = test.get("CriticalHeight")
            symbol = test.get("CriticalStatistic", "")
            symbol = symbol if self.comparison.design.several else f"|{symbol}|"
            threshold = f"{symbol} ≥ {height:.2f}" if height else ""
            kind = "all" if test.get("Exhaustive") else "random"
            made = f"{test['Rearrangements']} ({kind})" if "Rearrangements" in test else None
            counts = (test["VoxelsPositive"], test["VoxelsNegative"])[: len(named)]
            rows.append(
                (
                    METHODS[test["Method"]].label,
                    threshold or None,
                    *counts,
                    _p_value(test["SmallestP"]),
                    made,
                )
            )
        counted = (f"Voxels: {word}" for word in named)
        columns = ("Correction", f"Threshold (p ≤ {ALPHA:g})", *counted)
        return Table(
            (*columns, "Smallest p", "Rearrangements"), tuple(rows), "What passes at which correction"
        )

    def _facts(self) -> Iterator[tuple[str, Cell]]:
        low_high = self.summary.get("DegreesOfFreedomRange")
        tested = self.summary.get("DegreesOfFreedomTested")
        df = (f"{tested}, " if tested else "") + f"{self.summary['DegreesOfFreedom']:.4g}"
        yield (
            "degrees of freedom",
            (f"{tested}, " if tested else "")
            + df
            + (f" (median; {low_high[0]:.1f} to {low_high[1]:.1f})" if low_high else ""),
        )
        yield "voxels tested", self.summary["NumberOfVoxels"]
        yield "mask", self.summary["Mask"]
        if "FWHMmm" in self.summary:
            width = " × ".join(f"{value:.1f}" for value in self.summary["FWHMmm"])
            yield "noise width (mm)", width
            yield "resels", f"{self.summary['Resels'][3]:.0f}"
        elif "RandomField" in self.summary:
            yield "random field", self.summary["RandomField"]

    def _clusters(self) -> Iterator[Block]:
        path = self.outputs.path("clusters")
        if not path.exists():
            return
        if read_table(path).empty:
            yield Text((f"No cluster forms at uncorrected p < {self.outputs.settings.cluster_forming_p:g}.",))
            return
        yield from self._picture("peaks", "peaks")
        table = self._table("clusters", f"Clusters and peaks of {self.comparison.title}", CLUSTER_COLUMNS)
        peaks = read_table(path)[["x_mm", "y_mm", "z_mm"]].to_numpy(dtype=float)
        yield replace(table, places=tuple((x, y, z) for x, y, z in peaks.tolist()))

    def _regions(self) -> Iterator[Block]:
        if self.question is None or not self.question.regions:
            return
        source = (
            "regional estimates of each scan"
            if self.outputs.reads_tables
            else "means of the unsmoothed maps in spheres"
        )
        yield from self._figure("forest", "forest")
        yield from self._figure("strip", "strip")
        sides = ", left and right averaged" if self.outputs.averages_sides else ""
        several = self.comparison.design.several
        tails = "F tests" if several else "one-tailed" if self.comparison.expected else "two-tailed"
        caption = (
            f"A-priori regions{sides}, {tails}; values are {source}; p (page): corrected for the page's tests"
        )
        path = self.outputs.path("regions")
        places = tuple(self.outputs.centre_of(region.name) for region in self.question.regions)
        if several:
            yield Table(REGION_CLAIMS_OF_F, self._regions_of_f(), caption, path, places)
            yield from self._places()
            return
        rows = tuple(
            (
                *(region.label, region.n, region.effect, region.ci_low, region.ci_high, region.t),
                *(
                    PValue(region.p),
                    PValue(region.p_page),
                    sentences.direction_if_claimed(region, self.comparison),
                ),
                *((region.null.low, region.null.high) if region.null else (None, None)),
                sentences.say_null(region),
            )
            for region in self.question.regions
        )
        yield Table(REGION_CLAIMS, rows, caption, path, places)
        yield from self._places()

    def _places(self) -> Iterator[Block]:
        """The figures of a paper, folded."""
        if self.question is None:
            return
        chosen = choose_places(self.question, self.outputs)
        figures = [block for place in chosen for block in self._figure("place", place.desc)]
        if figures:
            command = (
                f"python -m morbids.figures {OUTPUT} place --contrast {self.comparison.name} --place NAME"
            )
            yield Folded(
                "Figures for a paper", (Text((f"Redraw one, or another place: {command}",)), *figures)
            )

    def _regions_of_f(self) -> tuple[tuple[Cell, ...], ...]:
        """A row per region, which has no single effect."""
        regions = self.question.regions if self.question is not None else ()
        return tuple(
            (
                *(region.label, region.n, region.f, PValue(region.p), PValue(region.p_page)),
                sentences.direction_if_claimed(region, self.comparison),
            )
            for region in regions
        )

    def _two_scans(self) -> Iterator[Block]:
        """Change, agreement and occupancy of two scans of the same people: descriptions, not claims."""
        path = self.outputs.path("regions", desc="retest")
        if self.comparison.scans is None or not path.exists():
            return
        named = read_table(path).iloc[0]
        yield tables.read_table(
            path, f"{named['other']} against {named['reference']}, with 95 % intervals", RETEST_COLUMNS
        )
        occupancy = self.outputs.path("regions", desc="occupancy")
        if occupancy.exists() and read_table(occupancy)["occupancy_percent"].notna().any():
            yield from self._figure("lassen", "lassen")
            yield tables.read_table(occupancy, "Occupancy over the a-priori regions", OCCUPANCY_COLUMNS)

    def _correlations(self) -> Iterator[Block]:
        if not self.comparison.trait or not self.outputs.path("correlations").exists():
            return
        for name in self.outputs.correlation_pictures(correlations.INDEPENDENT):
            yield from self._figure("correlation", name)
        caption = (
            "The slope in each a-priori region as a correlation: p of r is that of the slope; p (page) is corrected "
            "for all tests of the page"
        )
        yield self._table("correlations", caption, CORRELATION_COLUMNS)

    def _circular(self) -> Iterator[Block]:
        """Only where a cluster is significant; pictures of an earlier run do not come back."""
        path = self.outputs.path("correlations", desc="circular")
        if not self.comparison.trait or not path.exists():
            return
        for name in self.outputs.correlation_pictures(correlations.CIRCULAR):
            yield from self._figure("correlation", name)
        yield tables.read_table(path, "Correlations within claimed clusters", CORRELATION_COLUMNS)

    def _influence(self) -> Iterator[Block]:
        path = self.outputs.path("influence")
        if not path.exists():
            return
        far = self._far(read_table(path))
        if far:
            yield Alert("flag", f"Far from the others: {', '.join(far)}.", "A reason to look, not to drop.")
        yield from self._figure("influence", "influence")
        if len(self.comparison.labels) <= _LONGEST_TABLE:
            yield self._table("influence", "Each map, and the result without it", INFLUENCE_COLUMNS)

    def _far(self, table: pd.DataFrame) -> list[str]:
        return [str(scan) for scan, z in zip(table["scan"], table["distance_sd"], strict=True) if z > 3]

    def _table(self, role: str, caption: str, columns: Mapping[str, str]) -> Table:
        """Show the columns that the table has."""
        return _read_table(self.outputs.path(role), caption, columns)

    def _figure(self, kind: FigureKind, desc: str) -> Iterator[Block]:
        path = self.outputs.path("group_figure", desc=desc)
        if path.exists():
            yield figure(kind, path)

    def _picture(self, kind: FigureKind, desc: str) -> Iterator[Block]:
        path = self.outputs.path("group_picture", desc=desc)
        if path.exists():
            yield figure(kind, path)


def _read_table(path: Path, caption: str, columns: Mapping[str, str]) -> Table:
    """Show those of the columns that the table has."""
    there = read_table(path).columns
    return tables.read_table(path, caption, {name: shown for name, shown in columns.items() if name in there})


def _p_value(p: float | None) -> PValue | None:
    return None if p is None else PValue(p)
