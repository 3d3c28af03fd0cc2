"""`python -m morbids.figures`."""

import sys

from morbids.figures.command import main

sys.exit(main())
