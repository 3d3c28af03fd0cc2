"""Methods text says what was done, with its sources."""

from dataclasses import replace

import pytest

from morbids.imaging.reference import find_reference_rule
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
    find_reference_rule("occipital"),
    5.0,
    True,
    "= 0.1237 /min (preset)",
    10.0,
    (("baseline", 10.0, 40.0), ("rejection", 45.0, 90.0)),
    ("AAL", "own"),
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


def test_what_was_done_is_stated_with_its_numbers_and_programs() -> None:
    imaging, kinetics = participant_methods(SCAN)
    assert "MNI152NLin2009cAsym [@Fonov2011] (embedded copy)" in imaging
    assert "Images were registered with greedy [@Yushkevich2016]." in imaging
    assert "N4 [@Tustison2010] of SimpleITK [@Lowekamp2013]" in imaging
    assert "with k2' = 0.1237 /min (preset) and t* = 10 min" in kinetics
    assert "every voxel (frames smoothed with a Gaussian of 5 mm full width at half maximum)" in kinetics
    assert "regions of AAL [@Rolls2015] and own; frames were weighted by duration and decay" in kinetics
    assert "The reference region was occipital (Calcarine, Cuneus, Lingual of AAL [@Rolls2015])" in kinetics
    assert "at least 50% grey matter, a rim of 2 mm taken off, 17% of its height taken off" in kinetics
    assert "baseline 10–40 min, rejection 45–90 min; integrals run from injection in each" in kinetics
    assert "[@Logan1996]" in kinetics
    assert "[@Sullivan2013]" in kinetics


def test_what_was_not_done_is_not_claimed() -> None:
    plain = replace(
        SCAN,
        model="SRTM",
        reference=replace(SCAN.reference, trim_share=0.0, erode_mm=0.0, clean_histogram=False),
        smoothing_fwhm_mm=0.0,
        weighted=False,
        k2_prime="",
        t_star_min=None,
        windows=(),
        motion_corrected=False,
        taken=dict.fromkeys(("brain extraction", "normalization", "registration to T1w"), "smriprep 1"),
    )
    imaging, kinetics = participant_methods(plain)
    assert "Head motion was not corrected." in imaging
    assert "N4" not in imaging
    assert "greedy" not in imaging
    assert "Grey matter, white matter and cerebrospinal fluid were segmented" in imaging
    assert "frames not smoothed" in kinetics
    assert "weighted equally" in kinetics
    for absent in (
        "k2'",
        "t*",
        "Window",
        "Logan",
        "Sullivan",
        "a rim of",
        "height",
        "unusual",
        "second opinion",
    ):
        assert absent not in kinetics
    assert "[@Lammertsma1996; @Gunn1997]" in kinetics


def test_a_second_model_stands_beside_with_its_paper() -> None:
    _, kinetics = participant_methods(replace(SCAN, second_model="MRTM2"))
    assert "(MRTM2) [@Ichise2003] stands beside" in kinetics


@pytest.mark.parametrize("correction", METHODS)
def test_every_correction_is_described_and_its_sources_listed(correction: Inference) -> None:
    maps, claims = group_methods(replace(GROUP, corrections=("max-t", correction), smoothing_fwhm_mm=0.0))
    text = maps + claims
    assert "not smoothed" in text
    assert ("As sensitivity" in text) == (correction != "max-t")
    for source in METHODS[correction].sources:
        assert source in claims


def test_every_contrast_has_its_own_rearrangements() -> None:
    text, claims = group_methods(
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
    assert "age, dose entered as covariates of no interest [@Freedman1983]" in text
    assert "2 questions are one family of 16 tests [@Westfall1993" in claims
    assert "Declared before looking: rejection: activation" in claims


def test_the_correction_for_partial_volume_is_stated_where_there_is_one() -> None:
    assert "partial volume" not in " ".join(participant_methods(SCAN))
    corrected = replace(SCAN, partial_volume=PartialVolume("GTM", (5.5, 5.5, 6.0)))
    _, kinetics = participant_methods(corrected)
    assert "but not maps" in kinetics
    assert "5.5 x 5.5 x 6 mm full width at half maximum [@Rousset1998]." in kinetics
    voxels = participant_methods(replace(SCAN, partial_volume=PartialVolume("RBV", (5.5, 5.5, 5.5))))
    assert "voxel by voxel" in voxels[1]
    assert "Thomas2011" in voxels[1]


def test_two_scans_of_one_person_and_conjunctions_are_described_with_their_papers() -> None:
    _, claims = group_methods(replace(GROUP, two_scans=True, conjunction=True))
    assert "intraclass correlations (ICC(A,1) and ICC(C,1)) [@McGraw1996]" in claims
    assert "[@Cunningham2010]" in claims
    assert "[@Nichols2005]" in claims
    assert "McGraw" not in group_methods(GROUP)[1]
    assert "Nichols2005" not in group_methods(GROUP)[1]
