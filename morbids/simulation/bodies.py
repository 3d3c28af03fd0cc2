"""Where the heads of a simulated study come from: the average head in random shapes, or people's own T1w images."""

from typing import NamedTuple, Protocol

import numpy as np

from morbids.simulation.cohort import Participant
from morbids.simulation.grids import Grid, pull
from morbids.simulation.scan import mni_grid
from morbids.simulation.settings import StudySettings
from morbids.simulation.subject import Imaged, Subject, build_phantom, image_head, make_subject, t1w_grid
from morbids.simulation.truth import Regions, prepare_regions


class Body(NamedTuple):
    """A participant, their T1w image, and the regions whose truth is tabulated."""

    subject: Subject
    imaged: Imaged
    regions: Regions


class Streams(NamedTuple):
    """Random numbers of a participant: for the body, and for what a scanner makes of it."""

    body: np.random.Generator
    image: np.random.Generator


class Bodies(Protocol):
    """Gives every participant of a study a body."""

    def make(self, streams: Streams, person: Participant) -> Body:
        """Make the body of the next participant."""
        ...


class TemplateBodies:
    """The average head, in another shape for every participant."""

    def __init__(self, settings: StudySettings, source: Grid) -> None:
        self.phantom = build_phantom(settings.occipital_binding, settings.template_voxel_mm)
        self.source = source
        self.t1w = t1w_grid(settings.t1w_voxel_mm)
        head, binding = self.phantom.head, self.phantom.binding
        shares = (pull(values, head.grid, mni_grid()) for values in (head.grey + head.stem, binding.bp_nd))
        self.regions = prepare_regions(self.phantom.template, *shares)

    def make(self, streams: Streams, person: Participant) -> Body:
        """Make the body of the next participant."""
        subject = make_subject(streams.body, person, self.phantom, self.source)
        return Body(
            subject, image_head(streams.image, self.phantom.head, subject.shape, self.t1w), self.regions
        )
