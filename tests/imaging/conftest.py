"""The embedded template, and a head made from it, shared by the tests of anatomy."""

import numpy as np
import pytest

from morbids.imaging.brain import BrainExtraction, extract_brain
from morbids.imaging.normalization import Normalization, register_to_template
from morbids.imaging.templates import Template, find_template
from morbids.imaging.transforms import rigid_matrix
from tests.imaging.head_phantom import Head, draw_head


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    cache = tmp_path_factory.mktemp("templates")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPLATEFLOW_HOME", str(cache / "nothing"))
        return find_template("MNI152NLin2009cAsym", 2, cache, "http://127.0.0.1:9")


@pytest.fixture(scope="session")
def turned_head(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Head:
    """Turned by up to 25 degrees, moved, 8 % smaller, stored left to right flipped."""
    to_head = rigid_matrix(np.array([8.0, -12.0, 6.0, *np.deg2rad([25, -8, 12])]))
    return draw_head(
        template, to_head @ np.diag([0.92, 0.92, 0.92, 1]), tmp_path_factory.mktemp("head"), "LAS"
    )


@pytest.fixture(scope="session")
def extracted(
    turned_head: Head, template: Template, tmp_path_factory: pytest.TempPathFactory
) -> BrainExtraction:
    out = tmp_path_factory.mktemp("extracted")
    return extract_brain(turned_head.t1w, template.brain, template.mask, out, threads=2)


@pytest.fixture(scope="session")
def normalized(
    extracted: BrainExtraction, template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Normalization:
    out = tmp_path_factory.mktemp("normalized")
    images = extracted.corrected_t1w, extracted.mask, template.brain, template.mask
    return register_to_template(*images, out, threads=2, start=extracted.template_affine)
