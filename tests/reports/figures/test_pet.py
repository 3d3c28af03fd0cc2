"""The PET image under the T1w's outlines, and the reference region."""

from morbids.reports.figures.anatomy import draw_brain, draw_in_template
from morbids.reports.figures.pet import draw_pet_on_t1w, draw_reference_region
from tests.reports.conftest import Head
from tests.reports.figures.seeing import key_names, slice_names


def test_both_images_of_a_flicker_lie_on_the_same_slices(head: Head) -> None:
    t1w = draw_brain(head.t1w, head.mask, head.dseg)
    pet = draw_pet_on_t1w(head.t1w, head.mask, head.dseg, unit="kBq/mL")
    assert slice_names(t1w) == slice_names(pet)
    assert t1w.get_size_inches().tolist() == pet.get_size_inches().tolist()
    assert "PET reference (kBq/mL)" in [text.get_text() for text in pet.axes[2].texts]
    one = draw_in_template(head.t1w, head.mask, "sub-01")
    other = draw_in_template(head.dseg, head.mask, "template")
    assert slice_names(one) == slice_names(other)
    legend = one.axes[1].get_legend()
    assert legend is not None
    assert legend.get_title().get_text() == "sub-01"


def test_the_reference_region_is_cut_where_it_lies(head: Head) -> None:
    figure = draw_reference_region(head.t1w, head.mask, head.mask, head.mask, name="whole brain")
    assert key_names(figure) == ["labels of the atlas", "reference region: whole brain"]
    assert sum(name.startswith("x ") for name in slice_names(figure)) == 0
    anatomy = draw_reference_region(
        head.t1w, head.mask, head.mask, head.mask, name="whole brain", t1w=head.t1w
    )
    assert slice_names(anatomy) == slice_names(figure)
    assert len(anatomy.axes) == 2  # no colour bar for anatomy
