#!/bin/sh
# Print every package that is installed, with its version, sorted: Debian's, then Python's.
set -eu
dpkg-query --show --showformat '${Package}=${Version}\n' | LC_ALL=C sort
"${1:-/opt/venv/bin/python}" - <<'PYTHON'
from importlib.metadata import distributions

print("\n".join(sorted({f"{found.name.lower()}=={found.version}" for found in distributions()})))
PYTHON
