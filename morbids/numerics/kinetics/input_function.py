"""From samples of blood to what a model is driven by: parent fraction and delay as asked or found, units checked."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from morbids.errors import MorbidsError
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.numerics.frames import Frames
from morbids.numerics.kinetics.blood_delay import Delay, estimate_delay, tells_delay
from morbids.numerics.kinetics.parent_fraction import ParentFraction, ParentRule, parent_fraction
from morbids.numerics.kinetics.plasma import MOST_TAIL, Blood, PlasmaInput, frame_input, make_input

# Tissue that holds less or more of the tracer than this, beside plasma, is measured in another unit.
LEAST_UPTAKE, MOST_UPTAKE = 0.02, 200.0
# Longer than this, seconds, blood is late by another mistake.
MOST_DELAY_S = 300.0
# Share of blood in tissue where a model cannot fit it (Leenders 1990, Brain 113:27: grey matter 5.2 mL per 100 mL).
USUAL_BLOOD_VOLUME = 0.05
# A parent fraction that misses its samples by more than this, however it was chosen, is told.
TOLD_MISFIT = 0.05


@dataclass(frozen=True)
class InputRules:
    """How blood becomes an input function.

    Attributes
    ----------
    parent
        Rule of the parent fraction.
    delay_s
        Seconds to be added to the times of the blood; None to estimate them.
    blood_volume
        Share of blood in tissue; None to fit it where the model can.
    """

    parent: ParentRule = "auto"
    delay_s: float | None = None
    blood_volume: float | None = None

    def volume_for(self, *, fits: bool) -> float | None:
        """What a model is told: the share asked for, else None where it fits one, else the usual one."""
        return self.blood_volume if self.blood_volume is not None or fits else USUAL_BLOOD_VOLUME


class InputFunction(NamedTuple):
    """An input function on the clock of the tissue, and how it came about.

    Attributes
    ----------
    plasma
        The curves.
    blood
        The samples, on their own clock.
    delay
        By which the blood was shifted.
    parent
        The parent fraction.
    notes
        What the user should read, one sentence each.
    """

    plasma: PlasmaInput
    blood: Blood
    delay: Delay
    parent: ParentFraction
    notes: tuple[str, ...] = ()

    @property
    def facts(self) -> dict[str, Any]:
        """For sidecars (no draft names them yet)."""
        return {
            "BloodDelay": round(self.delay.seconds, 2),
            "BloodDelayStandardError": None if self.delay.se is None else round(self.delay.se, 2),
            "BloodDelaySource": self.delay.source,
            "ParentFraction": self.parent.rule,
            "ParentFractionMisfit": round(self.parent.misfit, 4),
        }


def settle_input(
    blood: Blood,
    rules: InputRules,
    curve: FloatArray,
    frames: Frames,
    *,
    end_min: float,
    inverse_variance: FloatArray | None = None,
) -> InputFunction:
    """Make the input function of one scan.

    Parameters
    ----------
    blood
        Samples in the unit of the curves.
    rules
        How.
    curve
        (n_frames,) of all regions together, which tells the delay.
    frames
        Minutes from injection.
    end_min
        End of the last frame that any model is fitted to.
    inverse_variance
        (n_frames,) weights.

    Raises
    ------
    MorbidsError
        Blood ends too early, its unit cannot be that of the curves, or the delay cannot be estimated.
    """
    plasma = make_input(blood, rules.parent, end_min)
    parent = parent_fraction(blood.parent, rules.parent)
    reached = frames.end_min <= max(end_min, blood.end_min * (1 + MOST_TAIL))
    _check_units(curve, plasma, frames, reached)
    notes = []
    if parent.misfit > TOLD_MISFIT:
        notes.append(
            f"The parent fraction ({parent.rule}) misses its samples by {parent.misfit:.3f} (root mean square)."
        )
    if rules.delay_s is not None:
        delay = Delay(rules.delay_s, None, "given by the user")
    elif not tells_delay(frames):
        delay = Delay(0.0, None, "none: the scan has no short frames while the bolus passes")
        notes.append(
            "The delay of the blood is taken for 0: the scan has no short frames while the bolus passes."
        )
    else:
        delay = estimate_delay(
            curve,
            plasma,
            frames,
            blood_volume=rules.blood_volume,
            points=reached,
            inverse_variance=inverse_variance,
        )
    return InputFunction(plasma.delayed(delay.seconds / 60), blood, delay, parent, tuple(notes))


def _check_units(curve: FloatArray, plasma: PlasmaInput, frames: Frames, reached: BoolArray) -> None:
    """Refuse blood whose unit is not that of the curves.

    Raises
    ------
    MorbidsError
        Tissue holds a thousandth or a thousand times of what it could.
    """
    length = frames.duration_min[reached]
    ratio = float(length @ curve[reached]) / float(length @ frame_input(plasma, frames).parent[reached])
    if not (np.isfinite(ratio) and LEAST_UPTAKE <= ratio <= MOST_UPTAKE):
        raise MorbidsError(
            f"Tissue holds {ratio:.3g} times the radioactivity of plasma over the scan, which no tracer does: the "
            "units of blood and tissue do not go together.",
            "Correct the Units of the blood or of the image.",
        )
