"""Blood beside a table of curves: read, checked and made into the input function of a model with plasma input."""

from pathlib import Path

import numpy as np

from morbids.bids.blood import BloodTable, read_blood
from morbids.bids.curve_tables import CurveTable
from morbids.bids.inheritance import read_json_object
from morbids.bids.names import sidecar_path
from morbids.bids.radioactivity import kbq_ml_per_unit
from morbids.errors import ExitCode, MorbidsError
from morbids.fit.wishes import Wishes
from morbids.numerics.arrays import FloatArray
from morbids.numerics.kinetics.input_function import InputFunction, settle_input
from morbids.numerics.kinetics.model_names import ModelName
from morbids.numerics.kinetics.models import MODELS
from morbids.numerics.kinetics.presets import find_no_reference


def refuse_blood(wishes: Wishes, model: ModelName) -> None:
    """Refuse blood that this model would not use, and a model that lacks it.

    Raises
    ------
    MorbidsError
        So it is.
    """
    known = MODELS[model]
    if known.needs_plasma and not wishes.blood:
        raise MorbidsError(
            f"{model} is driven by plasma, and no blood is given.",
            "Give the samples to python -m morbids.fit with --blood FILE (PET-BIDS _blood.tsv with its .json), or "
            "take a model with a reference region.",
            ExitCode.USAGE,
        )
    if not known.needs_plasma and (wishes.blood or wishes.asks_of_blood):
        plasma = ", ".join(name for name, other in MODELS.items() if other.needs_plasma)
        raise MorbidsError(
            f"{model} is driven by a reference region: it has no --blood, --blood-delay, --blood-volume or "
            "--parent-fraction.",
            f"Take one of {plasma}, or leave the options out.",
            ExitCode.USAGE,
        )
    if wishes.fits_blood_volume and not known.fits_blood_volume:
        raise MorbidsError(
            f"--blood-volume fit is for compartments; {model} cannot tell the share of blood.",
            "Give a share such as 0.05, or take 1TCM or 2TCM.",
            ExitCode.USAGE,
        )


def settle_blood(
    table: CurveTable,
    wishes: Wishes,
    half_life_min: float,
    weights: FloatArray | None,
    source: Path,
) -> tuple[InputFunction, dict[str, object]]:
    """Input function of a table, and facts for its sidecar.

    Raises
    ------
    MorbidsError
        As `read_blood` and `settle_input`.
    """
    tables = [_read_table(path) for path in wishes.blood]
    lacking = find_no_reference(wishes.tracer or "")
    whole = wishes.input_rules.parent == "none" or (lacking is not None and lacking.unmetabolised)
    read = read_blood(tables, injection_s=table.injection_s, half_life_min=half_life_min, parent_is_all=whole)
    factor, note = _unit(table, source)
    ends = [window.end_min for window in wishes.windows]
    settled = settle_input(
        read.blood.scaled(1 / factor),
        wishes.input_rules,
        table.reference,
        table.frames,
        end_min=min(max(ends, default=np.inf), float(table.frames.end_min[-1])),
        inverse_variance=weights,
    )
    notes = (*read.notes, *note, *settled.notes)
    facts = {"Blood": [str(path) for path in read.sources], **read.facts, **settled.facts}
    return settled._replace(notes=notes), facts


def _read_table(path: Path) -> BloodTable:
    """A table with the sidecar beside it; PET-BIDS demands one, which holds the units."""
    sidecar = sidecar_path(path)
    if not sidecar.is_file():
        raise MorbidsError(
            f"{path} has no sidecar {sidecar.name}: the units of its samples are unknown.",
            "Write one as PET-BIDS has it, with the Units of every column.",
        )
    return BloodTable(path, read_json_object(sidecar))


def _unit(table: CurveTable, source: Path) -> tuple[float, tuple[str, ...]]:
    """KBq/mL in one unit of the curves, and a sentence where it is taken for granted."""
    factor, _ = kbq_ml_per_unit({"Units": table.unit})
    if factor is not None:
        return factor, ()
    if table.unit:
        raise MorbidsError(
            f"{source}: the unit of the curves is {table.unit}, and blood is radioactivity per volume.",
            "Give curves in kBq/mL or Bq/mL.",
        )
    return 1.0, (f"{source} does not tell the unit of its curves: they are taken for kBq/mL.",)
