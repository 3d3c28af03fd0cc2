#!/usr/bin/env python3
"""The BIDS App: `run.py bids_dir output_dir {participant,group}`."""

import sys

from morbids.__main__ import main

if __name__ == "__main__":
    sys.exit(main())
