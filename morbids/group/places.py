"""Which places of a contrast are shown as a paper shows them: a-priori regions and claimed clusters."""

from typing import Literal, NamedTuple

from morbids.bids.names import entity_label
from morbids.group.claims import QuestionClaims
from morbids.group.outputs import GroupOutputs

# Places that the page shows; the others are drawn by `python -m morbids.figures`.
MOST_SHOWN = 4


class ShownPlace(NamedTuple):
    """A place: its name, what people call it, what kind it is, where it is, and the cluster's number (0 for none)."""

    name: str
    label: str
    kind: Literal["region", "cluster"]
    centre_mm: tuple[float, float, float]
    cluster: int = 0

    @property
    def desc(self) -> str:
        """Value of `desc-` of its picture."""
        return entity_label(f"place {self.name}")


def find_places(question: QuestionClaims, outputs: GroupOutputs) -> tuple[ShownPlace, ...]:
    """Every a-priori region that has a centre, and the claimed clusters at their peaks."""
    regions = []
    for region in question.regions:
        centre = outputs.centre_of(region.name)
        if centre is not None:
            regions.append(ShownPlace(region.name, region.label, "region", centre))
    clusters = () if question.brain is None else question.brain.located.places
    named = [
        ShownPlace(f"cluster{one.cluster}", one.name, "cluster", one.peak_mm, one.cluster) for one in clusters
    ]
    return (*regions, *named)


def choose_places(question: QuestionClaims, outputs: GroupOutputs) -> tuple[ShownPlace, ...]:
    """Claimed regions by p, then claimed clusters; the region with the smallest p where nothing is claimed."""
    places = {place.name: place for place in find_places(question, outputs)}
    ranked = sorted(question.regions, key=lambda region: (region.p_page, region.p))
    claimed = [region.name for region in ranked if region.claimed]
    clusters = [name for name, place in places.items() if place.kind == "cluster"]
    chosen = [*claimed, *clusters] or [region.name for region in ranked[:1]]
    return tuple(places[name] for name in chosen if name in places)[:MOST_SHOWN]
