"""Collect what the group level left on disk into its page."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from morbids.bids.dataset import dataset_name, morbids_version
from morbids.bids.names import output_path, sidecar_path
from morbids.bids.sidecars import mask_sidecar, table_sidecar
from morbids.bids.tables import read_table, write_table
from morbids.bids.writing import write_text
from morbids.engine.failures import StepFailure
from morbids.engine.progress import doing, label_of
from morbids.group import sentences
from morbids.group.claims import COLUMNS, Claims, QuestionClaims, judge_claims, tabulate
from morbids.group.conjunction import find_conjunction, write_shared_voxels
from morbids.group.contrast_page import report_contrast
from morbids.group.contrast_results import ContrastResults
from morbids.group.doubts import report_doubts
from morbids.group.locate import Found, Located
from morbids.group.outputs import GroupOutputs
from morbids.group.overview import picture_overview
from morbids.group.participant_settings import tell_settings
from morbids.group.plan import GroupPlan
from morbids.group.protocol_table import report_protocol
from morbids.group.quality_table import report_quality
from morbids.group.steps.maps import write_map
from morbids.group.steps.regions import tidy
from morbids.group.words import WORDS
from morbids.imaging.images import read_image
from morbids.reports import tables
from morbids.reports.boilerplate import ContrastChoices, GroupChoices, group_methods
from morbids.reports.findings import Failure, Methods, make_provenance
from morbids.reports.group import GroupReport, LeftOut, write_group_page
from morbids.reports.pages import Block, Cell, Link, Text
from morbids.settings import GroupSettings, Study

# The `contrast-` of what all changes from baseline share.
CONJUNCTION = "conjunction"
CLAIM_COLUMNS: Mapping[str, str] = {
    "contrast": "Contrast",
    "label": "Test",
    "n": "n",
    "effect": "Effect",
    "ci_low": "95 % from",
    "ci_high": "to",
    "p": "p",
    "p_page": "p (page)",
    "claimed": "Claimed",
    "protocol_low": "Protocol alone from",
    "protocol_high": "to ",
    "protocol": "Compared",
}


def judge_page(outputs: Sequence[GroupOutputs], settings: GroupSettings) -> Claims:
    """Judge what the tests left, and write the record: its table with sidecar, marks of clusters, claimed voxels."""
    there = [(one, found) for one in outputs if (found := one.find()) is not None]
    claims = judge_claims([found for _, found in there], settings.inference[0])
    if not there:
        return claims
    path = outputs[0].claims_path
    write_table(tidy(tabulate(claims)), path)
    record = {"Claims": sentences.describe(claims) | _conjoin(claims, there)}
    sidecar = table_sidecar("Every test of the group page, corrected for all of them", COLUMNS) | record
    write_text(sidecar_path(path), json.dumps(sidecar, indent=2) + "\n")
    for one, found in there:
        question = claims.of(one.comparison)
        if question is not None:
            _mark(one, found, question)
    return claims


def _conjoin(claims: Claims, there: Sequence[tuple[GroupOutputs, Found]]) -> dict[str, object]:
    """What all changes from baseline claim, for the record, and its voxels as a mask; nothing for one question."""
    conjunction = find_conjunction(claims)
    if conjunction is None:
        return {}
    first = there[0][0]
    path = output_path(
        first.study.output_dir, {}, "claimed_mask", {"model": first.comparison.model, "contrast": CONJUNCTION}
    )
    n_voxels = write_shared_voxels(claims, [found.mask for _, found in there], path)
    told = {"Sentence": conjunction.sentence, "Regions": [one.label for one in conjunction.regions]}
    return {"Conjunction": told | {"Voxels": n_voxels}}


def _mark(outputs: GroupOutputs, found: Found, question: QuestionClaims) -> None:
    """Write claimed voxels as a mask, and which clusters are claimed."""
    mask = read_image(found.mask)
    located = question.brain.located if question.brain is not None else Located()
    signs = located.signs if located.signs.size else np.zeros(int((mask.values > 0.5).sum()))
    path = outputs.path("claimed_mask")
    write_map((signs != 0).astype(np.int32), mask, path)
    sidecar = mask_sidecar(
        f"Voxels that the page claims ({sentences.outline_of(question.brain)})", [], "Brain"
    )
    write_text(sidecar_path(path), json.dumps(sidecar, indent=2) + "\n")
    table = read_table(found.clusters)
    places = {place.cluster: place for place in located.places}
    first = ~table["cluster"].duplicated() if len(table) else pd.Series(dtype=bool)
    numbers = table["cluster"].where(first)
    table["claimed"] = [None if pd.isna(n) else "yes" if n in places else "no" for n in numbers]
    table["protocol"] = [sentences.say_place(places.get(n)) for n in numbers]
    write_table(table, found.clusters)


def write_group_pages(
    plan: GroupPlan,
    claims: Claims,
    failures: Sequence[StepFailure],
    study: Study,
    settings: GroupSettings,
) -> Path:
    """Write the group page; return its path."""
    outputs = [GroupOutputs(comparison, plan, study, settings) for comparison in plan.comparisons]
    found = plan.group.found
    report = GroupReport(
        dataset=dataset_name(study.bids_dir),
        facts=_facts(plan, settings),
        family=_say_family(claims),
        claims=tuple(_claims(outputs, claims)),
        picture=tuple(picture_overview(outputs, claims)),
        doubts=report_doubts(plan, outputs),
        contrasts=tuple(report_contrast(ContrastResults(one, claims)) for one in outputs),
        failures=tuple(
            Failure(
                label_of(failure.units[-1]), doing(failure.step, WORDS), failure.sentence, failure.pointer
            )
            for failure in failures
        ),
        included_columns=("Scan", "Map"),
        included=tuple((row.label, Link(row.description or row.path.name, row.path)) for row in found.rows),
        left_out=tuple(_left_out(plan)),
        made_by=tell_settings(found.rows),
        quality=report_quality(plan, study),
        protocol=report_protocol(plan, study),
        methods=_methods(outputs, claims),
        provenance=make_provenance(study.command_line, asdict(settings)),
        links=tuple(_links(study)),
    )
    return write_group_page(report, output_path(study.output_dir, {}, "group_page"))


def _say_family(claims: Claims) -> str:
    if not claims.questions:
        return ""
    conjunction = find_conjunction(claims)
    return " ".join(filter(None, [sentences.say_family(claims), conjunction.sentence if conjunction else ""]))


def _facts(plan: GroupPlan, settings: GroupSettings) -> tuple[tuple[str, Cell], ...]:
    rows = plan.group.found.rows
    first = rows[0].entities
    facts: list[tuple[str, Cell]] = [
        ("maps", len(rows)),
        ("participants", len({row.participant for row in rows})),
        ("left out", len(plan.group.found.dropped)),
        ("measure", " ".join(first[key] for key in ("model", "meas") if key in first)),
        ("space", first.get("space", "not named")),
        ("smoothing", f"{settings.group_smoothing_fwhm_mm:g} mm"),
        ("mask", f"mean binding ≥ {settings.mask_threshold:g}"),
    ]
    if settings.variance_smoothing_fwhm_mm:
        facts.append(("pseudo-t", f"variance smoothed by {settings.variance_smoothing_fwhm_mm:g} mm"))
    return tuple(facts)


def _left_out(plan: GroupPlan) -> Iterator[LeftOut]:
    for dropped in plan.group.found.dropped:
        yield LeftOut(dropped.label, "", dropped.reason)
    for comparison in plan.comparisons:
        for missing in comparison.dropped:
            yield LeftOut(missing.label, comparison.title, missing.reason)
    for title, reason in plan.skipped.items():
        yield LeftOut("every scan", title, reason)


def _links(study: Study) -> Iterator[Link]:
    yield Link("index", output_path(study.output_dir, {}, "index_page"))
    for page in sorted(study.output_dir.glob("sub-*.html")):
        yield Link(page.stem, page)


def _claims(outputs: Sequence[GroupOutputs], claims: Claims) -> Iterator[Block]:
    if claims.questions:
        yield Text((sentences.say_family(claims),))
        caption = "Every test, with its own p and the one that is corrected for all"
        yield tables.read_table(outputs[0].claims_path, caption, CLAIM_COLUMNS)


def _methods(outputs: Sequence[GroupOutputs], claims: Claims) -> Methods | None:
    tested = [one for one in outputs if one.summary]
    if not tested or not claims.questions:
        return None
    settings = outputs[0].settings
    told = [sentences.say_expected(one.comparison) for one in tested]
    paragraphs = group_methods(
        GroupChoices(
            version=morbids_version(),
            maps=say_source(outputs[0]),
            smoothing_fwhm_mm=settings.group_smoothing_fwhm_mm,
            voxels="; ".join(dict.fromkeys(str(one.summary["Mask"]) for one in tested)),
            statistic=" or ".join(dict.fromkeys(str(one.summary["Statistic"]) for one in tested)),
            contrasts=tuple(_tested(one) for one in tested),
            regions=(
                "a-priori regions, left and right averaged"
                if outputs[0].averages_sides
                else "the regions of --regions"
            ),
            claims=sentences.say_family(claims).removesuffix("."),
            primary=claims.method,
            corrections=tuple(
                name for name in settings.inference if any(name in one.inference for one in outputs)
            ),
            expected=tuple(
                f"{one.comparison.title}: {said}" for one, said in zip(tested, told, strict=True) if said
            ),
            traits=tuple(dict.fromkeys(one.comparison.trait_words for one in tested if one.comparison.trait)),
            covariates=settings.covariates,
            conjunction=find_conjunction(claims) is not None,
            two_scans=any(one.comparison.scans for one in tested),
        )
    )
    return Methods(paragraphs, outputs[0].references_path)


def say_source(outputs: GroupOutputs) -> str:
    """Where the maps came from, and what was made of several maps of a participant."""
    one, settings = outputs.comparison, outputs.settings
    sentences = [_made_by(outputs)]
    if settings.average_runs:
        sentences.append("Runs of one scan were averaged.")
    if one.maps.percent_of:
        sentences.append(
            "Two scans of a participant were compared in percent of one of them, voxel by voxel after smoothing."
        )
    if settings.stats_model is not None and (one.maps.removed or one.maps.divisor > 1):
        sentences.append("Maps of a participant were averaged or subtracted as the model file says.")
    return " ".join(sentences)


def _made_by(outputs: GroupOutputs) -> str:
    """Which program or step made the maps."""
    plan = outputs.plan
    quantity = outputs.comparison.quantity
    if outputs.comparison.maps.percent_of:
        quantity = quantity.removeprefix("change of ").removesuffix(" (%)")
    if plan.dataset != outputs.study.output_dir:
        return f"The maps ({quantity}) are those of another dataset ({plan.dataset.name})."
    if plan.group.kind == "parameter":
        return f"The maps are those of {quantity} of each scan."
    return (
        "Within each scan the map of the challenge was subtracted from that of the baseline, so that activation (a "
        "fall of binding) is positive."
    )


def _tested(outputs: GroupOutputs) -> ContrastChoices:
    """One contrast for the methods text."""
    comparison = outputs.comparison
    what = "sign flips" if comparison.design.design.exchange == "signs" else "orders"
    what += " of whole participants" if comparison.design.blocks else ""
    if comparison.design.second_group:
        what += " of the residuals of the null model (generalised least squares, one ratio of variances)"
    made = {
        test["Method"]: f"{'all' if test['Exhaustive'] else 'random'} {test['Rearrangements']} {what}"
        for test in outputs.summary["Tests"]
        if "Rearrangements" in test
    }
    return ContrastChoices(comparison.title, len(comparison.labels), comparison.design.words, made)
