"""Contrasts of a finished group level, as their files tell them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from morbids.bids.inheritance import read_json_object
from morbids.bids.names import output_path, parse_name, sidecar_path, stat_label
from morbids.bids.tables import read_table
from morbids.errors import ExitCode, MorbidsError


@dataclass(frozen=True)
class Contrast:
    """One contrast.

    Attributes
    ----------
    output_dir, model, name
        Where it is.
    told
        What the record of claims says of it.
    test
        What the sidecar of its t map says of the test.
    """

    output_dir: Path
    model: str
    name: str
    told: dict[str, Any]
    test: dict[str, Any]

    def path(self, role: str, **more: str) -> Path:
        """Return the path of a file of the contrast.

        Raises
        ------
        MorbidsError
            It is not there.
        """
        named = {"model": self.model, "contrast": self.name, **more}
        path = output_path(self.output_dir, {}, role, named)
        if not path.exists():
            raise MorbidsError(f"{path} is not there.", "Run the group level again.", ExitCode.BAD_DATA)
        return path

    @property
    def statistic(self) -> Path:
        """The map that is judged."""
        return self.path("statistical_map", stat=stat_label(self.statistic_name))

    @property
    def statistic_name(self) -> str:
        """What it is called."""
        return str(self.test["Statistic"])

    @property
    def critical(self) -> float | None:
        """Height that the page claims from; None where another statistic than the map's height is judged."""
        brain = self.told.get("WholeBrain", {})
        return brain.get("Critical") if brain.get("Statistic") == "t" else None

    @property
    def rule(self) -> str:
        """What the outline means, in words."""
        return f"claimed: |{self.statistic_name}| ≥ {self.critical:.3g}" if self.critical else "claimed"

    @property
    def directions(self) -> tuple[str, str]:
        """What positive and negative mean."""
        first, second = self.told["Directions"]
        return first, second

    @property
    def quantity(self) -> str:
        """What the maps hold, as figures write it."""
        return str(self.told["Quantity"]).replace("BP_ND", "$BP_{ND}$")

    @property
    def trait(self) -> str:
        """What the trait of a slope is called; empty for others."""
        return str(self.told.get("TraitWords") or self.told.get("Trait", ""))


def find_contrasts(output_dir: Path) -> tuple[Contrast, ...]:
    """Every contrast of the record of claims.

    Raises
    ------
    MorbidsError
        There is no record, or it is an older version's.
    """
    found = []
    for folder in sorted((output_dir / "group").glob("model-*")):
        model = folder.name.partition("-")[2]
        record = sidecar_path(output_path(output_dir, {}, "claims", {"model": model}))
        if not record.exists():
            continue
        for told in read_json_object(record)["Claims"]["Contrasts"]:
            if "Quantity" not in told:
                raise MorbidsError(
                    f"{record} does not tell what the maps hold: an older version wrote it.",
                    "Run the group level again.",
                    ExitCode.BAD_DATA,
                )
            named = {"model": model, "contrast": told["Name"], "stat": "t"}
            sidecar = sidecar_path(output_path(output_dir, {}, "statistical_map", named))
            found.append(Contrast(output_dir, model, told["Name"], told, _test_of(sidecar)))
    if not found:
        raise MorbidsError(
            f"{output_dir} holds no results of the group level.", "Run it first.", ExitCode.NOTHING_SELECTED
        )
    return tuple(found)


def choose_contrast(contrasts: tuple[Contrast, ...], name: str | None) -> Contrast:
    """Return the contrast of this name, or the only one.

    Raises
    ------
    MorbidsError
        There is none, or there are several and none is named.
    """
    chosen = [one for one in contrasts if name in (None, one.name)]
    if len(chosen) != 1:
        raise MorbidsError(
            f"There is no contrast '{name}'." if name else "There are several contrasts.",
            f"Name one with --contrast: {', '.join(one.name for one in contrasts)}.",
            ExitCode.USAGE,
        )
    return chosen[0]


def places_of(contrast: Contrast) -> list[str]:
    """Names of the places that everyone's values are known at."""
    table = read_table(contrast.path("regions", desc="places"), ("place",))
    return list(dict.fromkeys(map(str, table["place"])))


def _test_of(sidecar: Path) -> dict[str, Any]:
    if not sidecar.exists():
        raise MorbidsError(
            f"{sidecar.name} is not in {sidecar.parent}.", "Run the group level again.", ExitCode.BAD_DATA
        )
    return dict(json.loads(sidecar.read_text(encoding="utf-8"))["Test"])


def file_stem(contrast: Contrast, what: str, place: str | None) -> str:
    """Name of a figure where the user gives none."""
    name = parse_name(contrast.path("regions")).entities["contrast"]
    return "_".join(filter(None, (name, what, place)))
