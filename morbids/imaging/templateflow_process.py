"""The child process that asks TemplateFlow's client for a template.

The client makes directories in TEMPLATEFLOW_HOME when it is imported and writes downloads in place; in a
process of its own, with a private TEMPLATEFLOW_HOME, neither can disturb another job or fail on an
unwritable home. The request is JSON on standard input (space, resolution_mm, url); the answer is JSON on the
last line of output.
"""

import json
import os
import sys


def download(space: str, resolution_mm: int, url: str) -> dict[str, str]:
    """Return the paths of the head (T1w) and of its brain mask, downloaded into TEMPLATEFLOW_HOME."""
    # Imported here because the import has effects on disk.
    from templateflow import TemplateFlowClient

    client = TemplateFlowClient(root=os.environ["TEMPLATEFLOW_HOME"], s3_root=url)
    wanted = {"resolution": resolution_mm, "extension": ".nii.gz", "raise_empty": True}
    head = client.get(space, suffix="T1w", desc=None, **wanted)
    mask = client.get(space, suffix="mask", desc="brain", **wanted)
    return {"head": str(head), "mask": str(mask)}


if __name__ == "__main__":
    answer = download(**json.load(sys.stdin))
    sys.stdout.write("\n" + json.dumps(answer) + "\n")
