"""Volumes as scripts: what the interactive brain reads back is what the maps hold."""

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from morbids.imaging.images import read_image
from morbids.numerics.arrays import FloatArray
from morbids.reports.volumes import (
    PEOPLE_BYTES,
    Grid,
    Layer,
    coarser,
    encode,
    grid_of,
    pack_layers,
    pack_people,
    sample_nearest,
)
from tests.reports.conftest import save

# Axes in another order than those of space, one of them reversed, unequal voxels.
TURNED = np.array([[0, -3.0, 0, 30], [0, 0, 4.0, -20], [2.0, 0, 0, -10], [0, 0, 0, 1]])


def read_pack(path: Path) -> dict[str, Any]:
    """The object that the script holds."""
    before, _, told = path.read_text().partition("[document.currentScript.src] = ")
    assert before == "(window.morbidsPacks ??= {})"
    return dict(json.loads(told.removesuffix(";\n")))


def decode(volume: dict[str, Any]) -> FloatArray:
    codes = np.frombuffer(zlib.decompress(base64.b64decode(volume["data"])), dtype=np.uint8).astype(float)
    shares = (codes - 128) / 127 if volume["kind"] == "signed" else (codes - 1) / 254
    return np.where(codes == 0, np.nan, shares * volume["high"])


def at(volume: dict[str, Any], mm: tuple[float, float, float]) -> float:
    place = np.round((np.array(mm) - volume["origin"]) / volume["step"]).astype(int)
    return float(decode(volume).reshape(-1, *volume["shape"])[(0, *place)])


@pytest.fixture
def turned(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(10, 12, 9)).astype(np.float32)
    values[2:4, 3:5, 6] = np.nan
    return save(values, TURNED, tmp_path / "turned.nii.gz")


def test_every_voxel_is_told_where_it_lies_whatever_the_order_of_the_axes(
    turned: Path, tmp_path: Path
) -> None:
    image = read_image(turned)
    grid = grid_of(image, np.ones(image.values.shape, dtype=bool))
    assert grid.step_mm.tolist() == [3.0, 4.0, 2.0]
    pack = read_pack(pack_layers([Layer("t", turned, "signed", 2.3)], grid, tmp_path / "a.js"))
    (volume,) = pack["volumes"]
    assert (volume["name"], volume["kind"], volume["threshold"]) == ("t", "signed", 2.3)
    step = volume["high"] / 127
    for voxel in ((0, 0, 0), (9, 11, 8), (4, 7, 3)):
        mm = TURNED[:3, :3] @ voxel + TURNED[:3, 3]
        assert at(volume, (mm[0], mm[1], mm[2])) == pytest.approx(float(image.values[voxel]), abs=0.51 * step)
    unknown = TURNED[:3, :3] @ (2, 3, 6) + TURNED[:3, 3]
    assert np.isnan(at(volume, (unknown[0], unknown[1], unknown[2])))


def test_the_box_is_that_of_the_brain_with_a_margin(turned: Path) -> None:
    image = read_image(turned)
    inside = np.zeros(image.values.shape, dtype=bool)
    inside[4:6, 5:8, 3] = True
    grid = grid_of(image, inside)
    assert grid.shape == (5, 3, 4)
    assert np.isfinite(sample_nearest(image, grid)).all()


def test_signs_zero_and_the_unknown_survive_one_byte() -> None:
    codes, high = encode(np.array([-2.0, 0.0, 2.0, np.nan]), "signed")
    assert (codes.tolist(), high) == ([1, 128, 255, 0], 2.0)
    codes, high = encode(np.array([1.0, 0.01, 0.0001]), "p")
    assert codes.tolist() == [1, 128, 255]
    assert high == pytest.approx(4.0)
    assert encode(np.array([0.0, 93.0, np.nan]), "labels")[0].tolist() == [0, 93, 0]
    assert encode(np.full(3, np.nan), "signed")[0].tolist() == [0, 0, 0]


def test_one_wild_voxel_does_not_take_the_steps_from_the_others() -> None:
    values = np.append(np.linspace(-3, 3, 5000), 900.0)
    codes, high = encode(values, "signed")
    assert high < 15
    assert codes[-1] == 255
    assert np.allclose((codes[:-1] - 128.0) / 127 * high, values[:-1], atol=high / 127)


def test_everyone_is_there_in_every_condition_on_a_grid_that_their_number_allows(tmp_path: Path) -> None:
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    x = np.arange(60.0)[:, None, None] + np.zeros((60, 60, 60))
    paths = [save((x + 100 * n).astype(np.float32), affine, tmp_path / f"{n}.nii.gz") for n in range(4)]
    fine = Grid(np.zeros(3), np.full(3, 2.0), (60, 60, 60))
    conditions = ["baseline", "challenge"]
    pack = read_pack(pack_people(conditions, paths, ["sub-1", "sub-2"], "BP_ND", fine, tmp_path / "p.js"))
    assert (pack["people"], pack["conditions"]) == (["sub-1", "sub-2"], ["baseline", "challenge"])
    volume = pack["volume"]
    assert volume["step"] == [2.0, 2.0, 2.0]
    values = decode(volume).reshape(4, *volume["shape"])
    assert np.allclose(values[:, 30, 0, 0], [30, 130, 230, 330], atol=volume["high"] / 127)
    many = read_pack(pack_people(["all"], paths * 3, ["sub"] * 12, "BP_ND", fine, tmp_path / "m.js"))[
        "volume"
    ]
    assert many["step"] == [4.0, 4.0, 4.0]
    assert 12 * np.prod(coarser(fine, 2).shape) <= PEOPLE_BYTES
