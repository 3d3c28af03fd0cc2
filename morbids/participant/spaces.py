"""Which spaces a study needs: of the atlases, of the maps, and of the steps that use a template's brain."""

from collections.abc import Iterable

from morbids.imaging.atlases import AtlasChoice
from morbids.imaging.user_atlases import INDIVIDUAL_SPACES
from morbids.settings import OutputSpace, ScanSettings

# Brain extraction, tissue priors and spheres are defined here; other spaces are for maps and other atlases.
REGION_SPACE = "MNI152NLin2009cAsym"
# Registration gains little below 2 mm and takes four times as long (docs/registration.md).
REGISTRATION_MM = 2


def template_spaces(atlases: Iterable[AtlasChoice], settings: ScanSettings) -> tuple[str, ...]:
    """Templates that a T1w image is registered to: that of the brain first, then of atlases and maps."""
    regions = (atlas.space for atlas in atlases)
    maps = (output.space for output in settings.output_spaces if output.is_template)
    templates = (space for space in regions if space not in INDIVIDUAL_SPACES)
    return tuple(dict.fromkeys((REGION_SPACE, *templates, *maps)))


def registration_target(space: str) -> OutputSpace:
    """Return the grid on which images are registered to a space."""
    return OutputSpace(space, REGISTRATION_MM)


def needed_templates(spaces: Iterable[str], settings: ScanSettings) -> tuple[OutputSpace, ...]:
    """Every template, by space and voxel size: where images are registered, and where maps go."""
    maps = (output for output in settings.output_spaces if output.is_template)
    return tuple(dict.fromkeys((*map(registration_target, spaces), picture_space(settings), *maps)))


def picture_space(settings: ScanSettings) -> OutputSpace:
    """Where maps are drawn: the first template that they are brought to, else that of the regions."""
    templates = [output for output in settings.output_spaces if output.is_template]
    return templates[0] if templates else registration_target(REGION_SPACE)
