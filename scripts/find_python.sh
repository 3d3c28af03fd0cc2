#!/bin/sh
# Print the first Python >= 3.11 on PATH that can make a virtual environment; else say what to install.
# PYTHON=/path/to/python in the environment comes first.
set -u
usable='import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))'
recent='import sys; sys.exit(sys.version_info < (3, 11))'
without_venv=''
for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3 python; do
    "$candidate" -c "$recent" >/dev/null 2>&1 || continue
    if "$candidate" -c "$usable" >/dev/null 2>&1; then
        echo "$candidate"
        exit 0
    fi
    without_venv="${without_venv:-$candidate}"
done
if [ -n "$without_venv" ]; then
    echo "$without_venv cannot make virtual environments: install its venv package" \
        "(Debian, Ubuntu: apt install python3-venv) and run make again." >&2
else
    echo "No Python 3.11 or newer was found: install one (Debian 12, Ubuntu 24.04 or newer:" \
        "apt install python3 python3-venv), or run make PYTHON=/path/to/python3.11." >&2
fi
exit 1
