"""Run one step once more, by hand, in this process: `python -m morbids.engine.rerun FOLDER`.

The folder is that of the step in the work directory, as the file with its traceback names it. The step gets
the inputs that it had; what it writes goes to a new folder. Start it with `python -m pdb -m
morbids.engine.rerun FOLDER` and continue (`c`): the debugger opens at the line that fails.
"""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from nipype.utils.filemanip import loadpkl

from morbids.engine.nodes import Step
from morbids.errors import ExitCode, MorbidsError


def rerun(folder: Path, out_dir: Path) -> object:
    """Call the function of a step with the inputs that it had; return what it returns.

    Raises
    ------
    MorbidsError
        The folder is not that of a step that has been started; whatever the step raises.
    """
    node_file = folder / "_node.pklz"
    if not node_file.is_file():
        raise MorbidsError(
            f"{folder} is not the folder of a step that has been started.",
            "Give the folder that the file with the traceback names.",
            ExitCode.USAGE,
        )
    step = loadpkl(node_file).interface
    if not isinstance(step, Step):
        raise MorbidsError(
            f"{folder} is the folder of a {type(step).__name__}, which calls no function.",
            "Give the folder of a step that computes.",
            ExitCode.USAGE,
        )
    return step.call(out_dir)


def main(arguments: Sequence[str]) -> int:
    """Run the step and print its results, one per line."""
    if len(arguments) != 1:
        sys.stderr.write(f"{__doc__}\n")
        return ExitCode.USAGE
    out_dir = Path(tempfile.mkdtemp(prefix="morbids-rerun-"))
    results = rerun(Path(arguments[0]).absolute(), out_dir)
    for name, value in results._asdict().items():  # type: ignore[attr-defined]
        sys.stdout.write(f"{name} = {value}\n")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
