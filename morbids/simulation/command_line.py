"""What the simulator's commands share."""

import argparse
import sys
from typing import NoReturn

from morbids.errors import ExitCode


class Parser(argparse.ArgumentParser):
    """Leaves with the exit code that the program uses for a wrong command line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and leave."""
        self.print_usage(sys.stderr)
        self.exit(int(ExitCode.USAGE), f"{self.prog}: error: {message}\n")
