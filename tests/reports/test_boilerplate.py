"""Methods text says what was done, with its sources."""

from dataclasses import replace

import pytest

from morbids.numerics.statistics.methods import METHODS, Inference
from morbids.reports.boilerplate import (
    ContrastChoices,
    GroupChoices,
    PartialVolume,
    ScanChoices,
    group_methods,
    participant_methods,
)

SCAN = ScanChoices(
    "1.0",
    "MNI152NLin2009cAsym",
    "embedded copy",
    "LoganRef",
    "occipital grey matter",
    0.1237,
    "preset",
    10.0,
    (("baseline", 10.0, 40.0), ("rejection", 45.0, 90.0)),
    "AAL",
)
GROUP = GroupChoices(
    "1.0",
    "The maps are those of another dataset (fitlins).",
    8.0,
    "brain, known in all 18 rows",
    "t",
    (
        ContrastChoices("rejection", 18, "one-sample t", {"max-t": "all 131071 sign flips"}),
        ContrastChoices("by score", 17, "linear model, t of score", {"max-t": "random 5000 orders"}),
    ),
    "a-priori regions, left and right averaged",
    "2 questions are one family of 16 tests",
    "max-t",
    ("max-t",),
)


def test_windows_k2_prime_and_sources_are_stated() -> None:
    imaging, kinetics, references = participant_methods(SCAN)
    assert "MNI152NLin2009cAsym (embedded copy; Fonov 2011)" in imaging
    assert "k2' = 0.1237 /min (preset) and t* = 10 min" in kinetics
    assert "baseline 10–40 min, rejection 45–90 min; integrals run from injection in each" in kinetics
    assert "J Cereb Blood Flow Metab 16:834" in references
    assert "Sullivan" in references


def test_what_was_not_done_is_not_claimed() -> None:
    plain = replace(
        SCAN, model="SRTM", k2_prime_per_min=None, t_star_min=None, windows=(), motion_corrected=False
    )
    imaging, kinetics, references = participant_methods(plain)
    assert "Head motion was not corrected." in imaging
    assert "k2'" not in kinetics
    assert "t*" not in kinetics
    assert "Window" not in kinetics
    assert "Logan" not in references
    assert "Sullivan" not in references
    assert "Gunn RN" in references


@pytest.mark.parametrize("correction", METHODS)
def test_every_correction_is_described_and_its_sources_listed(correction: Inference) -> None:
    maps, claims, references = group_methods(
        replace(GROUP, corrections=("max-t", correction), smoothing_fwhm_mm=0.0)
    )
    text = maps + claims
    assert "not smoothed" in text
    assert ("As sensitivity" in text) == (correction != "max-t")
    assert "Holm S (1979)" in references
    for source in ("Smith 2009", "Worsley 1996", "Nichols 2002", "Benjamini 1995", "Bullmore 1999"):
        name, year = source.split()
        assert (source in text) == (f"{name} " in references and f"({year})" in references)


def test_every_contrast_has_its_own_rearrangements() -> None:
    text, claims, references = group_methods(
        replace(GROUP, traits=("score",), covariates=("age", "dose"), expected=("rejection: activation",))
    )
    assert text.startswith(
        "Group statistics were computed with morbids 1.0. The maps are those of another dataset"
    )
    assert "rejection: one-sample t (18 maps; all 131071 sign flips for max-t)" in text
    assert "by score: linear model, t of score (17 maps; random 5000 orders for max-t)" in text
    assert "subtracted" not in text
    assert "smoothed with a Gaussian of 8 mm" in text
    assert "Slopes on score are tested on maps and regions, and given as partial correlations" in text
    assert "age, dose entered as covariates of no interest (Freedman 1983)" in text
    assert "Freedman D, Lane D" in references
    assert "2 questions are one family of 16 tests (Westfall 1993" in claims
    assert "Declared before looking: rejection: activation" in claims


def test_the_correction_for_partial_volume_is_stated_where_there_is_one() -> None:
    assert "partial volume" not in " ".join(participant_methods(SCAN))
    corrected = replace(SCAN, partial_volume=PartialVolume("GTM", (5.5, 5.5, 6.0)))
    _, kinetics, references = participant_methods(corrected)
    assert "but not maps" in kinetics
    assert "5.5 x 5.5 x 6 mm full width at half maximum (Rousset 1998)." in kinetics
    assert "J Nucl Med 39:904" in references
    voxels = participant_methods(replace(SCAN, partial_volume=PartialVolume("RBV", (5.5, 5.5, 5.5))))
    assert "voxel by voxel" in voxels[1]
    assert "Thomas 2011" in voxels[1]


def test_two_scans_of_one_person_are_described_with_their_papers() -> None:
    _, claims, references = group_methods(replace(GROUP, two_scans=True))
    assert "intraclass correlations (ICC(A,1) and ICC(C,1); McGraw 1996)" in claims
    assert "McGraw KO" in references
    assert "Cunningham VJ" in references
    assert "McGraw" not in group_methods(GROUP)[2]
