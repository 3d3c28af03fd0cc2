"""The child process that runs greedy: commands come as JSON on standard input.

Registration runs apart from the program because greedy crashes or exhausts memory as a whole process: here
that ends one step with a sentence, not the run. Standard output is greedy's log; on failure the last line of
standard error is a JSON object with the index of the command and greedy's message, and the exit status is
`FAILED_COMMAND`.
"""

import json
import sys

from morbids.lifeline import die_with_parent

FAILED_COMMAND = 3


def run_commands(commands: list[str]) -> int:
    """Run each command line in turn and return the exit status of this process."""
    # Imported here so that the parent process, which reads FAILED_COMMAND, never loads the library.
    from picsl_greedy import Greedy3D

    for index, command in enumerate(commands):
        try:
            # The double-precision class: single precision gave wrong registrations.
            Greedy3D().execute(command)
        except (RuntimeError, ValueError) as error:
            sys.stdout.flush()
            sys.stderr.write("\n" + json.dumps({"command": index, "error": str(error).strip()}) + "\n")
            return FAILED_COMMAND
    return 0


if __name__ == "__main__":
    die_with_parent()
    sys.exit(run_commands(json.load(sys.stdin)))
