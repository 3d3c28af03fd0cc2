"""One step as the job of a cluster: `python -m morbids.engine.cluster_job FOLDER` runs it and answers there."""

import os
import pickle
import sys
from pathlib import Path

from morbids.bids.writing import replace_file
from morbids.engine.workers import quieten_nipype, run_alone

NODE = "node.pkl"
ANSWER = "answer.pkl"


def main(folder: Path) -> None:
    """Run the step whose node lies in a folder; the answer is None, or the `Trouble` that ended it."""
    quieten_nipype()
    node, update_hash = pickle.loads((folder / NODE).read_bytes())
    trouble = run_alone(node, update_hash, os.getpid())["trouble"]
    replace_file(folder / ANSWER, lambda partial: partial.write_bytes(pickle.dumps(trouble)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
