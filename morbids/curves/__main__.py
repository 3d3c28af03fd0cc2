"""`python -m morbids.curves`."""

import sys

from morbids.curves.command import main

sys.exit(main())
