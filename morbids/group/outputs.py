"""Where the results of one comparison go, and what their sidecars say."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from morbids.bids import sidecars
from morbids.bids.names import output_path, sidecar_path
from morbids.engine.saving import Output
from morbids.group.comparison import Comparison
from morbids.group.locate import Found
from morbids.group.plan import GroupPlan
from morbids.group.steps import clusters, correlations, influence, regions, small_volumes, two_scans
from morbids.group.steps.correlations import Kind
from morbids.group.steps.evidence import MAP
from morbids.group.steps.inference import statistics_of
from morbids.numerics.statistics.methods import METHODS, Inference
from morbids.settings import GroupSettings, Study

# What URIs of `Sources` call the dataset of another program's maps.
MAPS_LINK = "maps"
# What the sidecar of the evidence calls what is known beside it.
EVIDENCE = "Evidence"
# What is drawn as pixels: `desc-` of each.
PICTURES = ("glass", "t", "effect", "peaks")
PLACES: Mapping[str, tuple[str, str]] = {
    "place": ("Region, or cluster and its number", ""),
    "label": ("Its name for people", ""),
    "kind": ("`region`, or `cluster`: one that these data selected", ""),
    "x_mm": ("Centre of the region, or peak of the cluster", "mm"),
    "y_mm": ("Centre of the region, or peak of the cluster", "mm"),
    "z_mm": ("Centre of the region, or peak of the cluster", "mm"),
    "scan": ("Scan or participant", ""),
    "other columns": ("Value in each condition, in the unit of the maps; and the trait of a slope", ""),
}
_SCAN = (regions.SCAN, ("Scan or participant", ""))
# What maps hold, where the sidecars' own words do not say it.
_DESCRIPTIONS: Mapping[str, str] = {
    "pseudot": "Pseudo-t (residual variance smoothed in space)",
    **{method.stat: method.description for method in METHODS.values()},
    "clusters": "Numbers of the clusters, the largest first; 0 outside",
}


@dataclass(frozen=True)
class GroupOutputs:
    """Destinations of one comparison."""

    comparison: Comparison
    plan: GroupPlan
    study: Study
    settings: GroupSettings

    @property
    def entities(self) -> dict[str, str]:
        """Model and contrast."""
        return {"model": self.comparison.model, "contrast": self.comparison.name}

    @property
    def inference(self) -> tuple[Inference, ...]:
        """Methods that this comparison is judged by."""
        return self.comparison.design.methods(self.settings.inference)

    @property
    def reads_tables(self) -> bool:
        """Whether regions come from the participants' tables: ours, for the spheres that these are of."""
        return bool(self.comparison.tables.added) and self.settings.regions is None

    @property
    def averages_sides(self) -> bool:
        """Whether left and right are one a-priori region: where they are ours; of the user's, as the table says."""
        return self.settings.regions is None

    @property
    def claims_path(self) -> Path:
        """Table of the claims of all comparisons."""
        return output_path(self.study.output_dir, {}, "claims", {"model": self.comparison.model})

    @property
    def overview_path(self) -> Path:
        """Picture of the claims of all comparisons."""
        named = {"model": self.comparison.model, "desc": "overview"}
        return output_path(self.study.output_dir, {}, "group_figure", named)

    @property
    def references_path(self) -> Path:
        """What the methods text cites, in BibTeX."""
        return output_path(self.study.output_dir, {}, "group_references", {"model": self.comparison.model})

    def path(self, role: str, **more: str) -> Path:
        """Return the path of an output."""
        return output_path(self.study.output_dir, {}, role, self.entities | more)

    @property
    def statistic_names(self) -> tuple[str, ...]:
        """Maps of the comparison, by `stat-`."""
        statistic = self.comparison.design.statistic
        return statistics_of(self.inference, self.settings.variance_smoothing_fwhm_mm, statistic)

    @property
    def sidecar_of_test(self) -> Path:
        """The JSON beside the map of t or F, which says how it was tested."""
        return sidecar_path(self.path("statistical_map", stat=self.comparison.design.statistic))

    def sources(self) -> list[str]:
        """URIs of the maps."""
        own = self.plan.dataset == self.study.output_dir
        root, name = self.plan.dataset, "" if own else MAPS_LINK
        return [sidecars.bids_uri(path, root, name) for path in self.comparison.maps.files]

    def mask(self) -> dict[str, Output]:
        """Voxels that were tested."""
        sidecar = sidecars.mask_sidecar("Voxels that were tested", self.sources(), "Brain")
        return {"mask": Output("group_mask", self.entities, sidecar)}

    def statistics(self) -> dict[str, Output]:
        """Every map, and the table of clusters."""
        outputs = {}
        for name in self.statistic_names:
            details = {"Title": self.comparison.title}
            if name in _DESCRIPTIONS:
                details["Description"] = f"{_DESCRIPTIONS[name]}, of the contrast {self.comparison.name}"
            sidecar = sidecars.statistical_map_sidecar(name, self.comparison.name, self.sources(), details)
            outputs[name] = Output("statistical_map", {**self.entities, "stat": name}, sidecar)
        described = self._table("Clusters and peaks", clusters.columns_of(outputs))
        return outputs | {"table": Output("clusters", self.entities, described)}

    def pictures(self) -> dict[str, Output]:
        """Maps and peaks as pictures."""
        return {name: Output("group_picture", {**self.entities, "desc": name}) for name in PICTURES}

    def centre_of(self, region: str) -> tuple[float, float, float] | None:
        """Centre of a region in mm; of left and right together that of the first; None without a sphere."""
        names = (region, f"{region}_L", f"{region}_R")
        found = [sphere.centre_mm for sphere in self.plan.spheres if sphere.name in names]
        return found[0] if found else None

    def places(self, descs: Sequence[str]) -> dict[str, Output]:
        """Everyone's values at the places of the contrast, and the pictures of some of them."""
        described = self._table("Everyone's values at a-priori regions and claimed clusters", PLACES)
        table = Output("regions", {**self.entities, "desc": "places"}, described)
        return {"table": table} | self.figures({desc: desc for desc in descs})

    @property
    def anatomy_pack(self) -> Output:
        """What the interactive brains of all contrasts share."""
        return Output("group_pack", {"model": self.comparison.model, "desc": "anatomy"})

    @property
    def maps_pack(self) -> Output:
        """Maps for the interactive brain."""
        return Output("group_pack", {**self.entities, "desc": "maps"})

    def everyone_pack(self, name: str) -> Output:
        """Everyone's maps behind the contrasts of this name."""
        return Output("group_pack", {"model": self.comparison.model, "contrast": name, "desc": "everyone"})

    def path_of(self, output: Output) -> Path:
        """Where an output of no contrast, or of another one, goes."""
        return output_path(self.study.output_dir, {}, output.role, output.entities)

    def figures(self, names: Mapping[str, str]) -> dict[str, Output]:
        """Figures by output, with their `desc`."""
        return {name: Output("group_figure", {**self.entities, "desc": desc}) for name, desc in names.items()}

    def influence(self) -> dict[str, Output]:
        """Table and figure."""
        described = self._table("Influence of each map", influence.COLUMNS)
        return {"table": Output("influence", self.entities, described)} | self.figures(
            {"picture": "influence"}
        )

    def regions(self) -> dict[str, Output]:
        """Tests, values and figures."""
        columns = regions.columns_of(self.comparison.design.statistic)
        tests = self._table("Tests of a-priori regions, left and right averaged", columns)
        sides = self._table("Tests of a-priori regions, each side on its own", columns)
        source = (
            "regional estimates of the participant level"
            if self.reads_tables
            else "mean of the unsmoothed maps in spheres"
        )
        values = self._table(f"Values of a-priori regions ({source}); a column per region", dict([_SCAN]))
        return {
            "tests": Output("regions", self.entities, tests),
            "sides": Output("regions", {**self.entities, "desc": "sides"}, sides),
            "values": Output("regions", {**self.entities, "desc": "values"}, values),
        }

    def evidence(self) -> dict[str, Output]:
        """What the claims stand on."""
        columns = {
            MAP: ("Maximum of the statistic over the map; the first row is the data as observed", ""),
            "other columns": ("p of each region; the first row is the data as observed", ""),
        }
        described = self._table("Tests as observed and on joint rearrangements, a row each", columns)
        return {"table": Output("evidence", self.entities, described)}

    def find(self) -> Found | None:
        """What the tests left; None when one of them failed."""
        evidence, regions_table, mask = (self.path(role) for role in ("evidence", "regions", "group_mask"))
        if not all(path.exists() for path in (evidence, regions_table, self.sidecar_of_test)):
            return None
        maps = {name: self.path("statistical_map", stat=name) for name in self.statistic_names}
        facts = json.loads(sidecar_path(evidence).read_text(encoding="utf-8"))[EVIDENCE]
        clusters_table = self.path("clusters")
        return Found(
            self.comparison, evidence, facts, regions_table, maps, mask, clusters_table, self.summary
        )

    @property
    def summary(self) -> dict[str, Any]:
        """What the sidecar of the map of t (or F) says of the test; empty when the test failed."""
        sidecar = self.sidecar_of_test
        told = json.loads(sidecar.read_text(encoding="utf-8")) if sidecar.exists() else {}
        return dict(told.get("Test", {}))

    def forget(self) -> None:
        """Take away what claims are made of, so that a test that fails now is not claimed from an earlier run."""
        circular = self.path("correlations", desc="circular")
        for path in (self.path("evidence"), self.path("regions"), self.sidecar_of_test, circular):
            path.unlink(missing_ok=True)

    def small_volumes(self) -> dict[str, Output]:
        """Table."""
        columns = small_volumes.columns_of(self.comparison.design.statistic)
        described = self._table("Small volumes searched on their own", columns)
        return {"table": Output("regions", {**self.entities, "desc": "smallvolumes"}, described)}

    def two_scans(self) -> dict[str, Output]:
        """Change and agreement by region, occupancy by participant, and its plot."""
        retest = self._table("Change and agreement of two scans", two_scans.RETEST_COLUMNS)
        occupancy = self._table("Occupancy of each participant", two_scans.OCCUPANCY_COLUMNS)
        return {
            "retest": Output("regions", {**self.entities, "desc": "retest"}, retest),
            "occupancy": Output("regions", {**self.entities, "desc": "occupancy"}, occupancy),
        } | self.figures({"lassen": "lassen"})

    def correlations(self, *, circular: bool) -> dict[str, Output]:
        """Table, and the pictures that there may be."""
        kind: Kind = correlations.CIRCULAR if circular else correlations.INDEPENDENT
        entities = self.entities | ({"desc": "circular"} if circular else {})
        described = self._table(f"Correlations with traits: {kind}", correlations.COLUMNS)
        names = self.correlation_pictures(kind)
        pictures = self.figures({name: name for name in names})
        return {"correlations": Output("correlations", entities, described)} | pictures

    def correlation_pictures(self, kind: Kind) -> list[str]:
        """`desc-` of the pictures of one kind of correlation."""
        trait = self.comparison.trait
        return [correlations.picture_name(kind, trait, rank) for rank in range(correlations.N_DRAWN)]

    def _table(self, description: str, columns: Mapping[str, tuple[str, str]]) -> dict[str, object]:
        return sidecars.table_sidecar(
            f"{description}, {self.comparison.title}: {self.comparison.quantity}", columns, self.sources()
        )
