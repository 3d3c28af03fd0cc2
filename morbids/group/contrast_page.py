"""What the group page says and shows of one comparison, read from what is on disk."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from morbids.bids.tables import read_table
from morbids.group.outputs import GroupOutputs
from morbids.group.steps import correlations
from morbids.group.steps.inference import ALPHA
from morbids.reports import tables
from morbids.reports.captions import FigureKind, figure
from morbids.reports.group import ContrastReport
from morbids.reports.pages import Alert, Block, Cell, Facts, PValue, Table, Text

# What matters most stands first: a wide table is seen from its left.
CLUSTER_COLUMNS: Mapping[str, str] = {
    "cluster": "Cluster",
    "AAL": "AAL",
    "direction": "Direction",
    "extent_mm3": "Volume (mm³)",
    "x_mm": "x (mm)",
    "y_mm": "y (mm)",
    "z_mm": "z (mm)",
    "pseudo_t": "pseudo-t",
    "t": "t",
    "p_fwe_peak": "p (max-T)",
    "p_fwe_extent": "p (extent)",
    "p_fwe_mass": "p (mass)",
    "p_fwe_tfce": "p (TFCE)",
    "p_fwe_random_field": "p (random field)",
    "p_fdr": "p (FDR)",
    "z": "Z",
    "hedges_g": "g",
    "HarvardOxford": "Harvard-Oxford",
}
SMALL_VOLUME_COLUMNS: Mapping[str, str] = {
    "label": "Small volume",
    "volume_mm3": "Volume (mm³)",
    "x_mm": "x (mm)",
    "y_mm": "y (mm)",
    "z_mm": "z (mm)",
    "t": "largest t",
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
    "p": "p",
    "p_holm": "p (Holm)",
    "p_fdr": "p (FDR)",
    "hedges_g": "Hedges' g",
}
CORRELATION_COLUMNS: Mapping[str, str] = {
    "trait": "Trait",
    "label": "Region",
    "kind": "Kind",
    "n": "n",
    "r": "Pearson r",
    "ci_low": "95 % from",
    "ci_high": "to",
    "p_permutation": "p (permutation)",
    "p_holm": "p (Holm, regions)",
    "p_holm_all": "p (Holm, regions and traits)",
    "rho": "Spearman rho",
    "rho_p_permutation": "p (rho)",
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
_METHODS: Mapping[str, str] = {
    "max-t": "max-T (permutation)",
    "cluster-extent": "cluster extent (permutation)",
    "cluster-mass": "cluster mass (permutation)",
    "tfce": "TFCE (permutation)",
    "fdr": "false discovery rate",
    "random-field": "random field theory",
}
# Influence tables longer than this are left to the file.
_LONGEST_TABLE = 40


def read_summary(outputs: GroupOutputs) -> dict[str, Any]:
    """What the t map's sidecar says of the test; empty when the test failed."""
    sidecar = outputs.sidecar("t")
    return dict(json.loads(sidecar.read_text(encoding="utf-8")).get("Test", {})) if sidecar.exists() else {}


class ContrastPage:
    """Collects the report of one comparison."""

    def __init__(self, outputs: GroupOutputs) -> None:
        self.outputs = outputs
        self.comparison = outputs.comparison
        self.summary = read_summary(outputs)

    def report(self) -> ContrastReport:
        """Everything that the page shows of it."""
        positive, negative = self._count_clusters()
        return ContrastReport(
            name=self.comparison.title,
            question=self.comparison.question,
            finding=self._finding(positive, negative),
            n_maps=len(self.comparison.labels),
            n_positive=positive,
            n_negative=negative,
            design=self.comparison.design.words,
            inference=self._inference(),
            maps=tuple(self._maps()),
            clusters=tuple(self._clusters()),
            regions=tuple(self._regions()),
            correlations=tuple(self._correlations()),
            circular=tuple(self._circular()),
            influence=tuple(self._influence()),
        )

    def _count_clusters(self) -> tuple[int, int]:
        """Clusters that pass some family-wise correction, by direction."""
        path = self.outputs.path("clusters")
        if not self.summary or not path.exists():
            return 0, 0
        table = read_table(path)
        corrections = [name for name in table if str(name).startswith("p_fwe_")]
        if table.empty or not corrections:
            return 0, 0
        passing = table[(table[corrections] <= ALPHA).any(axis=1)].drop_duplicates("cluster")["direction"]
        first, second = self.comparison.directions
        return int((passing == first).sum()), int((passing == second).sum())

    def _finding(self, positive: int, negative: int) -> str:
        if not self.summary:
            return "The test failed; see above."
        first, second = self.comparison.directions
        if positive or negative:
            passing = (
                "1 cluster passes" if positive + negative == 1 else f"{positive + negative} clusters pass"
            )
            return (
                f"{passing} a family-wise correction at p ≤ {ALPHA:g} "
                f"({first} {positive}, {second} {negative}). {self._power()}"
            )
        return f"No cluster passes a family-wise correction at p ≤ {ALPHA:g}. {self._power()}"

    def _power(self) -> str:
        """What the permutations can show at best."""
        smallest = [
            test["SmallestPossibleP"] for test in self.summary["Tests"] if "SmallestPossibleP" in test
        ]
        if not smallest or min(smallest) <= ALPHA:
            return ""
        return (
            f"With {len(self.comparison.labels)} maps the smallest p that a permutation can give is "
            f"{min(smallest):.2g}: none can pass {ALPHA:g}."
        )

    def _inference(self) -> str:
        told = [test for test in self.summary.get("Tests", ()) if test["Method"] == "max-t"]
        if told and told[0].get("CriticalHeight"):
            return f"max-T family-wise p ≤ {ALPHA:g}: |{self.summary['Statistic']}| ≥ {told[0]['CriticalHeight']:.2f}"
        return ", ".join(_METHODS[name] for name in self.outputs.inference)

    def _maps(self) -> Iterator[Block]:
        yield from self._picture("glass_brain", "glass")
        yield from self._picture("statistic_map", "t")
        yield from self._picture("effect_map", "effect")
        if self.summary:
            yield self._corrections()
            yield Facts(tuple(self._facts()))
        if len(self.comparison.design.columns) > 1:
            yield from self._figure("design", "design")

    def _corrections(self) -> Table:
        """What passes at which correction."""
        rows: list[tuple[Cell, ...]] = []
        for test in self.summary["Tests"]:
            height = test.get("CriticalHeight")
            threshold = f"|{test['CriticalStatistic']}| ≥ {height:.2f}" if height else ""
            kind = "all" if test.get("Exhaustive") else "random"
            made = f"{test['Rearrangements']} ({kind})" if "Rearrangements" in test else None
            counts = (test["VoxelsPositive"], test["VoxelsNegative"])
            rows.append(
                (_METHODS[test["Method"]], threshold or None, *counts, _p_value(test["SmallestP"]), made)
            )
        first, second = self.comparison.directions
        columns = ("Correction", f"Threshold (p ≤ {ALPHA:g})", f"Voxels: {first}", f"Voxels: {second}")
        return Table(
            (*columns, "Smallest p", "Rearrangements"), tuple(rows), "What passes at which correction"
        )

    def _facts(self) -> Iterator[tuple[str, Cell]]:
        low_high = self.summary.get("DegreesOfFreedomRange")
        df = f"{self.summary['DegreesOfFreedom']:.4g}"
        yield (
            "degrees of freedom",
            df + (f" (median; {low_high[0]:.1f} to {low_high[1]:.1f})" if low_high else ""),
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
        if path.exists():
            table = read_table(path)
            if table.empty:
                yield Text(
                    (f"No cluster forms at uncorrected p < {self.outputs.settings.cluster_forming_p:g}.",)
                )
            else:
                yield from self._picture("peaks", "peaks")
                yield self._table(
                    "clusters", f"Clusters and peaks of {self.comparison.title}", CLUSTER_COLUMNS
                )
        small = self.outputs.path("regions", desc="smallvolumes")
        if self.outputs.plan.small_volumes.names and small.exists():
            caption = "Small volumes chosen beforehand, each searched on its own"
            yield tables.read_table(small, caption, SMALL_VOLUME_COLUMNS)

    def _regions(self) -> Iterator[Block]:
        if not self.outputs.path("regions").exists():
            return
        source = (
            "regional estimates of each scan"
            if self.outputs.reads_tables
            else "means of the unsmoothed maps in spheres"
        )
        yield from self._figure("forest", "forest")
        yield from self._figure("strip", "strip")
        caption = f"A-priori regions, two-tailed; values are {source}; Holm and FDR over the regions"
        yield self._table("regions", caption, REGION_COLUMNS)

    def _correlations(self) -> Iterator[Block]:
        if not self.comparison.traits or not self.outputs.path("correlations").exists():
            return
        for name in self.outputs.correlation_pictures(correlations.INDEPENDENT):
            yield from self._figure("correlation", name)
        caption = (
            "Correlations of a-priori regions with traits; p by permutation, Holm over the regions of a trait, and "
            "over all regions and traits of the table"
        )
        yield self._table("correlations", caption, CORRELATION_COLUMNS)

    def _circular(self) -> Iterator[Block]:
        """Only where a cluster is significant; pictures of an earlier run do not come back."""
        path = self.outputs.path("correlations", desc="circular")
        if not self.comparison.traits or not path.exists() or read_table(path).empty:
            return
        for name in self.outputs.correlation_pictures(correlations.CIRCULAR):
            yield from self._figure("correlation", name)
        yield tables.read_table(path, "Correlations within significant clusters", CORRELATION_COLUMNS)

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
        path = self.outputs.path(role)
        there = read_table(path).columns
        return tables.read_table(
            path, caption, {name: shown for name, shown in columns.items() if name in there}
        )

    def _figure(self, kind: FigureKind, desc: str) -> Iterator[Block]:
        path = self.outputs.path("group_figure", desc=desc)
        if path.exists():
            yield figure(kind, path)

    def _picture(self, kind: FigureKind, desc: str) -> Iterator[Block]:
        path = self.outputs.path("group_picture", desc=desc)
        if path.exists():
            yield figure(kind, path)


def _p_value(p: float | None) -> PValue | None:
    return None if p is None else PValue(p)
