"""How the participant level made the maps, as their sidecars and the tables beside them tell; nothing else is known."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType

from morbids.bids.map_history import fixed_input, source_of, told_attenuation
from morbids.bids.names import parse_name, scan_entities
from morbids.bids.rows import MapRow

NOT_TOLD = "not told"
# More values than these are counted, not listed.
MANY = 4
# Fields whose text is shown as it is, by what people call them.
_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "head motion": "MotionCorrection",
        "reference region": "ReferenceRegion",
        "weights of frames": "Weights",
        "partial volume": "PartialVolumeCorrection",
    }
)


def tell_settings(rows: Sequence[MapRow]) -> tuple[tuple[str, str], ...]:
    """Each setting with its value; where maps differ with every value and its number of maps, or the number of values.

    What no map tells is left out.
    """
    told = ((name, [read(row) for row in rows]) for name, read in _READERS.items())
    return tuple((name, _agreed(values)) for name, values in told if any(values))


def _agreed(values: Sequence[str | None]) -> str:
    counts = Counter(value or NOT_TOLD for value in values)
    if len(counts) == 1:
        return next(iter(counts))
    if len(counts) > MANY:
        return f"differs: {len(counts)} values in {len(values)} maps"
    listed = "; ".join(f"{value} ({_maps(count)})" for value, count in counts.most_common())
    return f"differs: {listed}"


def _maps(count: int) -> str:
    return "1 map" if count == 1 else f"{count} maps"


def _field(name: str) -> Callable[[MapRow], str | None]:
    return lambda row: str(row.metadata[name]) if name in row.metadata else None


def _software(row: MapRow) -> str | None:
    return " ".join(_texts(row, "SoftwareName", "SoftwareVersion")) or None


def _texts(row: MapRow, *names: str) -> Iterator[str]:
    yield from (str(row.metadata[name]) for name in names if name in row.metadata)


def _smoothing(row: MapRow) -> str | None:
    width = row.metadata.get("SmoothingFWHM")
    return f"{width:g} mm" if isinstance(width, int | float) else None


def _input(label: str, unit: str) -> Callable[[MapRow], str | None]:
    """Value of an input of the model with where it is from; of one that each scan finds, only how."""

    def read(row: MapRow) -> str | None:
        value, source = fixed_input(row.metadata, label), source_of(row.metadata, label)
        if value is None:
            return source or None
        return f"{value:g} {unit} ({source})" if source else f"{value:g} {unit}"

    return read


def _regions(row: MapRow) -> str | None:
    """Atlases that regions of the scan were fitted with: the tables beside its map."""
    scan = scan_entities(row.entities)
    tables = (parse_name(path).entities for path in row.path.parent.glob("*_kinpar.tsv"))
    atlases = {own["seg"] for own in tables if "seg" in own and scan_entities(own) == scan}
    return ", ".join(sorted(atlases)) or None


_READERS: Mapping[str, Callable[[MapRow], str | None]] = MappingProxyType(
    {
        "software": _software,
        **{name: _field(key) for name, key in _FIELDS.items()},
        "smoothing before the fit": _smoothing,
        "k2'": _input("k2prime", "/min"),
        "t*": _input("tstar", "min"),
        "attenuation": lambda row: told_attenuation(row.metadata),
        "atlases of regions": _regions,
    }
)
