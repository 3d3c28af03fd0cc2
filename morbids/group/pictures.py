"""What is drawn of each comparison once the page's claims are known: maps, peaks, regions, correlations."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from nipype import Node, Workflow

from morbids.bids.names import stat_label
from morbids.engine.nodes import connect_across, make_node
from morbids.engine.saving import Output, make_save_node
from morbids.engine.templates import make_template_node
from morbids.group.claims import Claims, QuestionClaims
from morbids.group.everyone import Everyone, find_everyone
from morbids.group.locate import Found
from morbids.group.outputs import GroupOutputs
from morbids.group.places import choose_places, find_places
from morbids.group.ranges import Extremes, height_of_claims, kind_of, share_ranges
from morbids.group.sentences import outline_of
from morbids.group.steps.correlations import Slope, correlate_clusters, correlate_regions
from morbids.group.steps.figures import MapLook, picture_comparison
from morbids.group.steps.inference import CLUSTERS
from morbids.group.steps.places import RegionSource, measure_places, picture_places
from morbids.group.steps.regions import picture_regions
from morbids.group.viewer import add_anatomy, add_contrast, add_everyone
from morbids.reports.figures.place_table import PlaceLook
from morbids.settings import OutputSpace, Resources

# Maps of all spaces are drawn on, masked by and named after this template, by their mm.
TEMPLATE = OutputSpace("MNI152NLin2009cAsym", 2)


class _Part(NamedTuple):
    """One comparison's part of the graph."""

    whole: Workflow
    workflow: Workflow
    template: Node
    outputs: GroupOutputs
    question: QuestionClaims
    found: Found
    extremes: Extremes

    def save(self, name: str, outputs: Mapping[str, Output], fields: tuple[str, ...] = ()) -> Node:
        """Build a node that saves outputs of the group."""
        return make_save_node(name, self.outputs.study.output_dir, {}, outputs, fields)


def build_pictures(claims: Claims, outputs: tuple[GroupOutputs, ...], resources: Resources) -> Workflow:
    """Build the graph: one part per comparison that was tested."""
    whole = Workflow("group_pictures")
    template = make_template_node(TEMPLATE, resources)
    there = [(one, found) for one in outputs if (found := one.find()) is not None]
    ranges = share_ranges([found for _, found in there], claims)
    packed: set[str] = set()
    if there:
        add_anatomy(whole, template, there[0][0], resources)
    for one, found in there:
        question = claims.of(one.comparison)
        if question is not None:
            workflow = Workflow(one.comparison.name)
            part = _Part(whole, workflow, template, one, question, found, ranges[kind_of(found)])
            _add_packs(part, packed)
            _add_maps(part)
            _add_regions(part)
            _add_places(part)
            if one.comparison.trait:
                _add_correlations(part)
                _add_circular(part)
    return whole


def _add_packs(part: _Part, packed: set[str]) -> None:
    """Pack what the interactive brain shows; everyone's maps once for all contrasts of them."""
    add_contrast(part.workflow, part.outputs, part.found)
    everyone = find_everyone(part.outputs.comparison, part.outputs.plan)
    if everyone is not None and everyone.name not in packed:
        packed.add(everyone.name)
        add_everyone(part.workflow, part.outputs, part.found, everyone)


def _add_maps(part: _Part) -> None:
    """Draw the statistic, the effect, and the peaks."""
    found, comparison = part.found, part.outputs.comparison
    constants = {
        "maps": {name: path for name, path in found.maps.items() if path.exists()},
        "clusters": found.clusters,
        "claimed": part.outputs.path("claimed_mask"),
        "look": MapLook(
            str(found.summary["Statistic"]),
            float(found.summary["ClusterFormingHeight"]),
            outline_of(part.question.brain),
            "partial $R^2$" if comparison.design.several else comparison.label,
            comparison.directions,
            height_of_claims(part.question),
            *part.extremes,
        ),
    }
    picture = make_node(picture_comparison, "picture", constants, mem_gb=0.8)
    save = part.save("save_pictures", part.outputs.pictures(), ("pictures",))
    part.workflow.connect([(picture, save, [("pictures", "pictures")])])
    pairs = [("brain", "template_brain"), ("mask", "template_mask")]
    connect_across(part.whole, part.template, part.workflow, picture, pairs)


def _add_places(part: _Part) -> None:
    """Measure every place of the contrast in everyone, and draw the chosen ones."""
    outputs, comparison = part.outputs, part.outputs.comparison
    everyone = find_everyone(comparison, outputs.plan)
    if everyone is None or comparison.maps.removed:
        return
    constants = {
        "people": everyone.maps,
        "regions": RegionSource(
            _tables_of(outputs, everyone),
            outputs.settings.measure,
            outputs.plan.spheres,
            outputs.averages_sides,
        ),
        "places": find_places(part.question, outputs),
        "clusters": outputs.path("statistical_map", stat=CLUSTERS),
        "trait_values": outputs.plan.group.values_of(comparison.trait, comparison.maps.added),
    }
    measure = make_node(measure_places, "measure_places", constants, mem_gb=0.8)
    shown = {place.name: place.desc for place in choose_places(part.question, outputs)}
    statistic = str(part.found.summary["Statistic"])
    look = PlaceLook(
        statistic,
        outline_of(part.question.brain),
        float(part.found.summary["ClusterFormingHeight"]),
        height_of_claims(part.question),
        part.extremes.statistic,
        comparison.directions,
        everyone.quantity.replace("BP_ND", "$BP_{ND}$"),
        comparison.trait_words,
    )
    drawing = {
        "shown": shown,
        "look": look,
        "statistic": part.found.maps[stat_label(statistic)],
        "claimed": outputs.path("claimed_mask"),
    }
    picture = make_node(picture_places, "picture_places", drawing, mem_gb=0.8)
    save = part.save("save_places", outputs.places(tuple(shown.values())), ("table", "pictures"))
    part.workflow.connect(
        [
            (measure, picture, [("table", "table")]),
            (measure, save, [("table", "table")]),
            (picture, save, [("pictures", "pictures")]),
        ]
    )
    pairs = [("brain", "template_brain"), ("mask", "template_mask")]
    connect_across(part.whole, part.template, part.workflow, picture, pairs)


def _tables_of(outputs: GroupOutputs, everyone: Everyone) -> tuple[Path, ...]:
    """Tables of regional estimates, baselines first; none where regions come from the maps."""
    tables = outputs.comparison.tables
    two = outputs.reads_tables and len(everyone.conditions) == 2
    return (*tables.added, *tables.removed) if two else ()


def _add_regions(part: _Part) -> None:
    """Draw the tests of the regions."""
    comparison = part.outputs.comparison
    if comparison.design.several:
        return
    constants = {
        "values": part.outputs.path("regions", desc="values"),
        "tests": part.outputs.path("regions"),
        "average": part.outputs.averages_sides,
        "p_page": part.question.p_of_regions,
        "quantity": comparison.label,
        "directions": comparison.directions,
    }
    picture = make_node(picture_regions, "picture_regions", constants)
    save = part.save("save_regions", part.outputs.figures({"forest": "forest", "strip": "strip"}))
    part.workflow.connect([(picture, save, [(name, name) for name in ("forest", "strip")])])


def _add_correlations(part: _Part) -> None:
    """Give the slope in each region as a correlation."""
    constants = {
        "slope": _slope(part),
        "values": part.outputs.path("regions", desc="values"),
        "p_page": part.question.p_of_regions,
        "average": part.outputs.averages_sides,
    }
    _correlate(part, make_node(correlate_regions, "correlate_regions", constants), circular=False)


def _add_circular(part: _Part) -> None:
    """Correlate claimed clusters with the trait, under the name of what that is."""
    brain = part.question.brain
    if brain is None or not brain.located.places:
        return
    comparison = part.outputs.comparison
    constants = {
        "slope": _slope(part),
        "terms": comparison.maps,
        "labels": comparison.labels,
        "clusters": part.outputs.path("statistical_map", stat=CLUSTERS),
        "names": {place.cluster: place.name for place in brain.located.places},
    }
    _correlate(part, make_node(correlate_clusters, "correlate_clusters", constants), circular=True)


def _slope(part: _Part) -> Slope:
    comparison, settings = part.outputs.comparison, part.outputs.settings
    of_trait = comparison.trait, comparison.trait_words, comparison.label
    return Slope(comparison.design, *of_trait, settings.n_permutations, settings.random_seed)


def _correlate(part: _Part, node: Node, *, circular: bool) -> None:
    """Save what a correlation leaves."""
    name = "save_circular" if circular else "save_correlations"
    save = part.save(name, part.outputs.correlations(circular=circular), ("correlations", "pictures"))
    part.workflow.connect([(node, save, [(field, field) for field in ("correlations", "pictures")])])
