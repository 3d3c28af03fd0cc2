"""`python -m morbids.fit`."""

import sys

from morbids.fit.command import main

sys.exit(main())
