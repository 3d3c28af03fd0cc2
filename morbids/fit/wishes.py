"""What the command line of `python -m morbids.fit` asks for."""

from dataclasses import dataclass, field
from pathlib import Path

from morbids.bids.windows import Window
from morbids.numerics.kinetics.input_function import InputRules
from morbids.numerics.kinetics.model_names import ModelName

ESTIMATE, FIND, FIT, NONE = "estimate", "find", "fit", "none"
GIVEN = "given by the user"


@dataclass(frozen=True)
class Wishes:
    """What the command line asks for; None, empty or False where it says nothing.

    Attributes
    ----------
    tracer, model
        Names.
    k2_prime
        Per minute, ``estimate`` or ``none``.
    t_star
        Minutes, or ``find``.
    windows
        Minutes from injection.
    onset_min
        When binding may begin to change.
    weights
        ``none`` or ``decay``.
    half_life_min
        For the weights.
    blood
        Tables of blood samples.
    input_rules
        How they become an input function.
    fits_blood_volume
        The share of blood is to be fitted.
    """

    tracer: str | None = None
    model: ModelName | None = None
    k2_prime: float | str | None = None
    t_star: float | str | None = None
    windows: tuple[Window, ...] = ()
    onset_min: float | None = None
    weights: str = NONE
    half_life_min: float | None = None
    blood: tuple[Path, ...] = ()
    input_rules: InputRules = field(default_factory=InputRules)
    fits_blood_volume: bool = False

    @property
    def asks_of_blood(self) -> bool:
        """Whether anything is asked of how blood is used."""
        return self.input_rules != InputRules() or self.fits_blood_volume
