"""Cases of the time axis: fields that are missing, of the wrong kind, in the wrong unit, or impossible."""

from tests.bids.conftest import DURATION_S, START_S
from tests.catalogue.case import Case, raw_value, sidecar

HUGE = "1" + "0" * 400
MIDDLES = [start + length / 2 for start, length in zip(START_S, DURATION_S, strict=True)]
ENDS = [start + length for start, length in zip(START_S, DURATION_S, strict=True)]


def _times(factor: float) -> list[float]:
    return [start * factor for start in START_S]


def _lengths(factor: float) -> list[float]:
    return [length * factor for length in DURATION_S]


LISTS = tuple(
    case
    for field, values, other in (
        ("FrameTimesStart", START_S, "FrameDuration"),
        ("FrameDuration", DURATION_S, "FrameTimesStart"),
    )
    for case in (
        sidecar(f"{field} is missing", f"the sidecar lacks {field}", **{field: None}),
        sidecar(f"{field} is n/a", f"the sidecar lacks {field}", **{field: "n/a"}),
        raw_value(field, "null", f"the sidecar lacks {field}"),
        raw_value(field, "{}", f"{field} holds {{}}"),
        raw_value(field, "true", f"{field} holds True"),
        raw_value(field, "NaN", f"{field} holds nan"),
        sidecar(f"{field} is an empty list", f"{field} holds no value", **{field: []}),
        sidecar(
            f"{field} is one number", f"{field} has 1 values, but the image has 12 volumes", **{field: 60}
        ),
        sidecar(f"{field} has texts", f"{field} holds '60'", **{field: ["60", *values[1:]]}),
        sidecar(f"{field} has a list in it", f"{field} holds [60]", **{field: [[60], *values[1:]]}),
        sidecar(f"{field} has n/a in it", f"{field} holds 'n/a'", **{field: [*values[:-1], "n/a"]}),
        sidecar(f"{field} has null in it", f"{field} holds None", **{field: [*values[:-1], None]}),
        sidecar(f"{field} has infinity in it", f"{field} holds inf", **{field: [*values[:-1], float("inf")]}),
        sidecar(
            f"{field} has a number of 401 digits", f"{field} holds 1000", **{field: [int(HUGE), *values[1:]]}
        ),
        sidecar(
            f"{field} is one short", f"{field} has 11 values, but the image has 12", **{field: values[:-1]}
        ),
        sidecar(
            f"{field} is one long", f"{field} has 13 values, but the image has 12", **{field: [*values, 9000]}
        ),
    )
)

SCALARS = tuple(
    case
    for field in ("InjectionStart", "ImageDecayCorrectionTime", "ScanStart")
    for case in (
        sidecar(f"{field} is a clock time", f"{field} is '12:00:00'", **{field: "12:00:00"}),
        sidecar(f"{field} is a number in quotes", f"{field} is '0'", **{field: "0"}),
        sidecar(f"{field} is true", f"{field} is True", **{field: True}),
        sidecar(f"{field} is a list", f"{field} is [0]", **{field: [0]}),
        raw_value(field, "NaN", f"{field} is nan"),
        raw_value(field, "-Infinity", f"{field} is -inf"),
        raw_value(field, HUGE, f"{field} is 1000"),
    )
)

REQUIRED = (
    sidecar("InjectionStart is missing", "the sidecar lacks InjectionStart", InjectionStart=None),
    sidecar("ImageDecayCorrectionTime is missing", "lacks ImageDecayCorrectionTime", ImageDecayCorrectionTime=None),
    sidecar("ImageDecayCorrected is missing", "the sidecar lacks ImageDecayCorrected", ImageDecayCorrected=None),
    sidecar("ImageDecayCorrected is in quotes", "ImageDecayCorrected is 'true'", ImageDecayCorrected="true"),
    sidecar("ImageDecayCorrected is 1", "ImageDecayCorrected is 1", ImageDecayCorrected=1),
    sidecar("two fields of the wrong kind", "InjectionStart is '0', ImageDecayCorrected is 'yes'",
            InjectionStart="0", ImageDecayCorrected="yes"),
)  # fmt: skip

UNITS = (
    sidecar("starts and durations in ms", "FrameTimesStart (4.8e+06) and FrameDuration (600000) look like milliseconds",
            FrameTimesStart=_times(1000), FrameDuration=_lengths(1000)),
    sidecar("starts in ms", "FrameTimesStart (4.8e+06) looks like milliseconds", FrameTimesStart=_times(1000)),
    sidecar("durations in ms", "FrameDuration (600000) looks like milliseconds", FrameDuration=_lengths(1000)),
    sidecar("injection in ms", "InjectionStart (-3e+06) looks like milliseconds", InjectionStart=-3.0e6),
    sidecar("all times in ms", "FrameDuration (600000), InjectionStart (-3e+06) and ImageDecayCorrectionTime (-3e+06)",
            FrameTimesStart=_times(1000), FrameDuration=_lengths(1000), InjectionStart=-3.0e6,
            ImageDecayCorrectionTime=-3.0e6),
    sidecar("dose in ms", "PharmaceuticalDoseTime (4.5e+06) looks like milliseconds", PharmaceuticalDoseTime=4.5e6,
            FrameDuration=DURATION_S, InjectionEnd=None),
    sidecar("all times in minutes", "the last frame ends 1.5 min after injection", FrameTimesStart=_times(1 / 60),
            FrameDuration=_lengths(1 / 60)),
    sidecar("durations in minutes", "FrameDuration ends with 10 and does not fit", FrameDuration=_lengths(1 / 60)),
    sidecar("starts in minutes", "FrameTimesStart ends with 80 and does not fit", FrameTimesStart=_times(1 / 60)),
    sidecar("ends in the place of durations", "FrameDuration seems to hold the ends", FrameDuration=ENDS),
    sidecar("middles in the place of starts", "FrameTimesStart seems to hold the middles", FrameTimesStart=MIDDLES),
)  # fmt: skip

ORDER = (
    sidecar(
        "frames overlap", "frames overlap: frame 1 lasts from 0 to 90 s", FrameDuration=[90, *DURATION_S[1:]]
    ),
    sidecar(
        "frames go backwards",
        "goes backwards: frame 3 starts at 60 s",
        FrameTimesStart=[0, 120, 60, *START_S[3:]],
    ),
    sidecar("a frame of 0 s", "FrameDuration of frame 1 is 0 s", FrameDuration=[0, *DURATION_S[1:]]),
    sidecar(
        "a frame of negative length",
        "FrameDuration of frame 12 is -600 s",
        FrameDuration=[*DURATION_S[:-1], -600],
    ),
    sidecar(
        "injection after the scan", "InjectionStart is 9000 s, but the last frame ends", InjectionStart=9000
    ),
    sidecar(
        "injection half a day before", "the last frame ends 690 min after injection", InjectionStart=-36000
    ),
    sidecar(
        "ScanStart after the first frame",
        "ScanStart is 3600 s, but FrameTimesStart begins at 0",
        ScanStart=3600,
    ),
)

DECAY = (
    sidecar("decay corrected to another day", "29.5 half-lives of 20.36 min apart", ImageDecayCorrectionTime=-36000),
    sidecar("uncorrected frames without counts", "has a frame 39.3 half-lives of 2.037 min from injection",
            ImageDecayCorrected=False, TracerRadionuclide="O15"),
    sidecar("no radionuclide", "the half-life is unknown", TracerRadionuclide=None),
    sidecar("an unknown radionuclide", "TracerRadionuclide is 'X99'", TracerRadionuclide="X99"),
    sidecar("a radionuclide that is a number", "TracerRadionuclide is 11", TracerRadionuclide=11),
    sidecar("a half-life in minutes", "20.4 s, but C11 has a half-life of 1221.8 s", RadionuclideHalfLife=20.4),
    sidecar("a half-life of 0", "RadionuclideHalfLife is 0", RadionuclideHalfLife=0),
    sidecar("a negative half-life", "RadionuclideHalfLife is -1220", RadionuclideHalfLife=-1220),
    sidecar("a half-life in words", "RadionuclideHalfLife is '20 min'", RadionuclideHalfLife="20 min"),
    sidecar("a half-life that is no tracer's", "which no tracer of PET has", TracerRadionuclide="X99",
            RadionuclideHalfLife=2.0),
    sidecar("another nuclide's half-life", "1221.8 s, but F18 has a half-life", TracerRadionuclide="F18",
            RadionuclideHalfLife=1221.8),
)  # fmt: skip

CASES: tuple[Case, ...] = (*LISTS, *SCALARS, *REQUIRED, *UNITS, *ORDER, *DECAY)
