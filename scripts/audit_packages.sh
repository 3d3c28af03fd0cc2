#!/bin/sh
# Look for known vulnerabilities of the locked packages: scripts/audit_packages.sh [LOCK...] (default: all lock files).
# Ends with 1 where there is one. Where the advisories cannot be reached it says so and ends with 0: then nothing is known.
set -u
cd "$(dirname "$0")/.." || exit
[ "$#" -gt 0 ] || set -- requirements.lock requirements-dev.lock docs/requirements.lock
python=$(PYTHON="${PYTHON:-}" sh scripts/find_python.sh) || exit
"$python" -m venv build/audit-env && build/audit-env/bin/python -m pip install --quiet pip-audit || exit
code=0
for lock in "$@"; do
    build/audit-env/bin/pip-audit --disable-pip --require-hashes --requirement "$lock" --progress-spinner off \
        --format json --output build/audit.json >/dev/null 2>build/audit.log || true
    build/audit-env/bin/python - "$lock" <<'PYTHON' || code=1
import json
import sys
from pathlib import Path

lock, told = sys.argv[1], Path("build/audit.json")
packages = json.loads(told.read_text())["dependencies"] if told.exists() else []
told.unlink(missing_ok=True)
asked = [one for one in packages if "skip_reason" not in one]
found = [f"{one['name']} {one['version']}: {flaw['id']}" for one in asked for flaw in one["vulns"]]
known = f"{len(asked)} of {len(packages)} packages could be asked about, {len(found)} vulnerabilities"
print(f"{lock}: {known if asked else 'NOT AUDITED, the advisories cannot be reached'}")
print("\n".join(found), end="\n" if found else "")
sys.exit(bool(found))
PYTHON
done
exit "$code"
