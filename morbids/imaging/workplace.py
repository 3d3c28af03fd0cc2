"""Where a step keeps the images that another program reads."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple


class Workplace(NamedTuple):
    """The folder of a step's results, and how many threads the step may use."""

    folder: Path
    threads: int

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Folder that is gone afterwards.

        It lies beside the results, because the system's own folder for temporary files may be small, or memory, and
        what a killed job leaves there nobody clears.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="scratch-", dir=self.folder) as name:
            yield Path(name)
