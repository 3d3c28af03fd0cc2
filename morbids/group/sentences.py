"""Sentences of the group page about its claims, all made from the record."""

from typing import Any

import numpy as np

from morbids.group.claims import (
    COULD_BE,
    FIRST_FAMILY,
    OUTSIDE,
    Claims,
    MapClaim,
    QuestionClaims,
    RegionClaim,
)
from morbids.group.comparison import Comparison, Family
from morbids.group.locate import ClaimedPlace
from morbids.numerics.statistics.methods import ALPHA, METHODS, STATISTICS
from morbids.reports.numbers import format_number, format_p
from morbids.words import listed

FAMILIES: dict[Family, str] = {
    "change": "change from baseline",
    "between": "difference between scans",
    "trait": "slope on a trait",
    "group": "difference between groups",
    "model": "contrast of the model",
}
# Clusters that a sentence names; the table has all.
CLUSTERS_NAMED = 6
# Mean skewness of residuals beyond which sign flips are doubted: `python -m benchmarks claims`.
SKEWED = 0.25


def say_family(claims: Claims) -> str:
    """How many tests the page makes, and how they are corrected for each other."""
    n_tests = claims.n_region_tests + claims.n_map_tests
    kinds = [FAMILIES[family] for family in claims.families]
    counted = (
        f"{len(claims.questions)} {_plural('question', len(claims.questions))} of {len(kinds)} "
        f"{_plural('kind', len(kinds))} ({', '.join(kinds)}): {claims.n_region_tests} tests of a-priori regions and "
        f"{claims.n_map_tests} of the whole brain ({METHODS[claims.method].label}) are one family of {n_tests} tests"
    )
    shares = "regions and whole brain have half of the error each"
    if len(kinds) > 1 and FIRST_FAMILY in claims.families:
        shares += f"; {FAMILIES[FIRST_FAMILY]} has half of that, the other kinds share the rest"
    how = (
        f"their p is corrected for all of them by {claims.n_rearrangements} joint rearrangements (step-down)"
        if claims.rule == "joint rearrangements"
        else "their p is corrected for all of them by Holm's method"
    )
    level = f"a page without any effect or bias claims something with probability {ALPHA:g} at most"
    return f"{counted}; {how}, so that {level}, {_say_assumptions(claims)}; {shares}."


def _say_assumptions(claims: Claims) -> str:
    """What the level of the page rests on."""
    exchanges = {one.comparison.design.design.exchange for one in claims.questions}
    rests = {
        "signs": "symmetric about 0 (signs are flipped)",
        "orders": "exchangeable between people (their order is changed)",
    }
    told = "given errors that are " + " and ".join(words for one, words in rests.items() if one in exchanges)
    formula = METHODS[claims.method].formula
    return f"{told}, and as far as {METHODS[claims.method].label} holds" if formula else told


def say_finding(question: QuestionClaims | None) -> str:
    """What is claimed of a question, in one sentence, with what could be the protocol."""
    if question is None:
        return "The test failed; see above."
    claimed = say_claimed(question)
    if not claimed:
        return (
            f"Nothing is claimed (p ≤ {ALPHA:g} over all tests of the page). {say_limits(question)}".strip()
        )
    return f"{claimed[0].upper()}{claimed[1:]} (p ≤ {ALPHA:g} over all tests of the page).{_say_protocol(question)}"


def say_claimed(question: QuestionClaims) -> str:
    """Regions and places of the brain that are claimed; empty for none."""
    return "; ".join(filter(None, [say_regions(question), _say_brain(question)]))


def say_limits(question: QuestionClaims) -> str:
    """Where rearranging cannot reach the level, or does not hold it."""
    barred = question.comparison.design.why_no_claim
    if barred:
        return barred
    if question.smallest_p <= ALPHA:
        return ""
    n = len(question.comparison.labels)
    return (
        f"With {n} maps rearranging gives p = {question.smallest_p:.2g} at best, so that nothing can be claimed of "
        "them: a smaller p of t would rest on their normality alone."
    )


def say_warning(question: QuestionClaims) -> str:
    """Warn where the level may not hold, and say what is therefore not claimed; empty where there is no doubt."""
    barred = "" if question.comparison.design.why_no_claim else question.why_no_brain
    return " ".join(filter(None, [say_skewness(question), barred]))


def say_skewness(question: QuestionClaims) -> str:
    """Warn of errors that are not symmetric; empty when they are."""
    skewness = question.skewness
    if skewness is None or not abs(skewness) > SKEWED:
        return ""
    barred = " Nothing is claimed of the whole brain, where that happens most." if question.too_skewed else ""
    return (
        f"The maps are skewed around their mean (mean skewness {skewness:.2f}): flipping signs takes symmetric errors "
        f"for granted, and claims can be false more often than {ALPHA:g}.{barred}"
    )


def say_expected(comparison: Comparison) -> str:
    """Direction that was declared; empty for two-tailed tests."""
    if not comparison.expected:
        return ""
    return f"{comparison.directions[0] if comparison.expected > 0 else comparison.directions[1]} expected, one-tailed"


def outline_of(brain: MapClaim | None) -> str:
    """What the outline on maps means."""
    if brain is None or not 0 < brain.critical < np.inf:
        return "claimed: nothing can be"
    if brain.statistic == "p":
        return f"claimed: corrected p ≤ {brain.critical:.3g}"
    return f"claimed: {STATISTICS[brain.statistic].words} ≥ {brain.critical:.3g}"


def say_place(place: ClaimedPlace | None) -> str | None:
    """How a claimed cluster's peak compares with the protocol alone; None where that is not known."""
    if place is None or place.could_be_protocol is None:
        return None
    return COULD_BE if place.could_be_protocol else OUTSIDE


def describe(claims: Claims) -> dict[str, Any]:
    """The record as plain values, for JSON."""
    return {
        "Sentence": say_family(claims),
        "Rule": claims.rule,
        "Method": claims.method,
        "Level": ALPHA,
        "JointRearrangements": claims.n_rearrangements,
        "RegionTests": claims.n_region_tests,
        "MapTests": claims.n_map_tests,
        "Families": list(claims.families),
        "Contrasts": [_describe(question) for question in claims.questions],
    }


def _describe(question: QuestionClaims) -> dict[str, Any]:
    brain, comparison = question.brain, question.comparison
    told: dict[str, Any] = {
        "Name": comparison.name,
        "Title": comparison.title,
        "Quantity": comparison.quantity,
        "Directions": list(comparison.directions),
        "Trait": comparison.trait,
        "TraitWords": comparison.trait_words,
        "Family": comparison.family,
        "Expected": say_expected(comparison),
        "Finding": say_finding(question),
        "Claimed": question.claimed,
        "ClaimedRegions": [region.name for region in question.claimed_regions],
        "CouldBeProtocol": question.could_be_protocol,
        "SmallestPossibleP": question.smallest_p,
        "Warning": say_warning(question),
    }
    if brain is not None:
        told["WholeBrain"] = {
            "Statistic": brain.statistic,
            "P": brain.p,
            "PCorrected": None if np.isnan(brain.p_page) else brain.p_page,
            "Critical": brain.critical if np.isfinite(brain.critical) else None,
            "ClaimedClusters": [place._asdict() for place in brain.located.places],
        }
    return told


def direction_of(region: RegionClaim, comparison: Comparison) -> str:
    """Word for the sign of an effect."""
    falls = region.effect < 0
    return comparison.directions[1] if falls else comparison.directions[0]


def direction_if_claimed(region: RegionClaim, comparison: Comparison) -> str | None:
    """The direction of a claimed effect, None of another."""
    return direction_of(region, comparison) if region.claimed else None


def say_effect(region: RegionClaim) -> str:
    """A region's effect with its interval and p; of several contrasts F and p."""
    if np.isfinite(region.f):
        return f"{region.label}: F {format_number(region.f)}, p (page) {format_p(region.p_page)}"
    numbers = (format_number(value) for value in (region.effect, region.ci_low, region.ci_high))
    effect, low, high = numbers
    return f"{region.label}: {effect} ({low} to {high}), p (page) {format_p(region.p_page)}"


def say_null(region: RegionClaim) -> str | None:
    """How a region's effect compares with the protocol alone; None where that is not known."""
    if region.null is None:
        return None
    return COULD_BE if region.could_be_protocol else OUTSIDE


def say_protocol_alone(question: QuestionClaims) -> str | None:
    """What the protocol alone reads in the strongest region, and whether that could be what is claimed."""
    region = strongest(question)
    if region is None or region.null is None:
        return None
    low, high = format_number(region.null.low), format_number(region.null.high)
    return f"{region.label}: {low} to {high}{_compare_claims(question)}"


def _compare_claims(question: QuestionClaims) -> str:
    """Which of what is claimed the protocol could read alone; empty where nothing is claimed, or it is not known."""
    if not question.claimed or question.could_be_protocol is None:
        return ""
    named, all_of_it = _doubted(question)
    if not named:
        return ": what is claimed lies outside"
    return f": {'what is claimed' if all_of_it else named} {COULD_BE}"


def count_places(question: QuestionClaims) -> tuple[int, int]:
    """Claimed clusters in each direction."""
    if question.brain is None:
        return 0, 0
    words = [place.direction for place in question.brain.located.places]
    return words.count(question.comparison.directions[0]), words.count(question.comparison.directions[1])


def say_brain(question: QuestionClaims) -> str:
    """Claimed clusters by direction; where voxels pass without forming a cluster, these."""
    brain = question.brain
    if brain is None or not brain.claimed:
        return "nothing"
    counts = count_places(question)
    noun = "cluster"
    if not any(counts):
        counts = int((brain.located.signs > 0).sum()), int((brain.located.signs < 0).sum())
        noun = "voxel"
    told = [
        f"{count} {_plural(noun, count)} ({word})"
        for count, word in zip(counts, question.comparison.directions, strict=True)
        if count
    ]
    return ", ".join(told)


def strongest(question: QuestionClaims) -> RegionClaim | None:
    """The region with the smallest p."""
    tested = [region for region in question.regions if np.isfinite(region.p)]
    return min(tested, key=lambda region: (region.p_page, region.p), default=None)


def say_regions(question: QuestionClaims) -> str:
    """Claimed regions by direction; empty for none."""
    by_word: dict[str, list[str]] = {}
    for region in question.claimed_regions:
        by_word.setdefault(direction_of(region, question.comparison), []).append(region.label)
    return ", ".join(f"{word} in {listed(labels)}" for word, labels in by_word.items())


def _say_brain(question: QuestionClaims) -> str:
    told = say_brain(question)
    return "" if told == "nothing" else f"whole brain: {told}"


def _say_protocol(question: QuestionClaims) -> str:
    named, all_of_it = _doubted(question)
    if not named:
        return ""
    return f" {COULD_BE[0].upper()}{COULD_BE[1:]}: {'all of it' if all_of_it else named}."


def _doubted(question: QuestionClaims) -> tuple[str, bool]:
    """Claimed regions and (some) clusters that the protocol could read alone, and whether these are all."""
    places = question.brain.located.places if question.brain is not None else ()
    regions = [region.label for region in question.claimed_regions if region.could_be_protocol]
    clusters = [place.name for place in places if place.could_be_protocol]
    all_of_it = len(regions) + len(clusters) == len(question.claimed_regions) + len(places)
    return listed([*regions, *clusters], len(regions) + CLUSTERS_NAMED), all_of_it


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
