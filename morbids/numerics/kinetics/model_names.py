"""The names of the kinetic models, as in `model-`, apart from the models: a command line needs no numbers."""

import re
from typing import Literal, get_args

from morbids.errors import ExitCode, MorbidsError

ModelName = Literal[
    "SUVR",
    "LoganRef",
    "MRTM0",
    "MRTM1",
    "MRTM2",
    "SRTM",
    "SRTM2",
    "PatlakRef",
    "StepChange",
    "StepChange2",
    "LSSRM",
    "lpntPET",
    "PlasmaLogan",
    "PlasmaPatlak",
    "MA1",
    "1TCM",
    "2TCM",
]
# What blood is analysed with where nobody says: it serves regions and voxels, and its t* can be found.
PLASMA_MODEL: ModelName = "PlasmaLogan"
MODEL_NAMES: tuple[ModelName, ...] = get_args(ModelName)


def find_model(name: str) -> ModelName:
    """Find a model by its name in any case, or by a beginning that only one has (`logan`).

    Raises
    ------
    MorbidsError
        No model, or several, have such a name.
    """
    typed = re.sub(r"[^a-z0-9]", "", name.lower())
    exact = [model for model in MODEL_NAMES if model.lower() == typed]
    found = exact or [model for model in MODEL_NAMES if typed and model.lower().startswith(typed)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(found or MODEL_NAMES)
    wrong = f"Several models begin with '{name}'." if found else f"There is no model '{name}'."
    raise MorbidsError(wrong, f"Choose one of {known}.", ExitCode.USAGE)
