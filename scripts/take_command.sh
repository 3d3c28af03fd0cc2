#!/bin/sh
# Print a command of a page's blocks as one line, so that what is tried is what the page says: take_command.sh PAGE BEGINNING [FROM TO]...
# It is the one command that begins with these words, or that is these words. Each FROM in it (a folder of the page, say) is written as TO.
set -eu
page=$1
beginning=$2
shift 2
found=$(awk -v beginning="$beginning" '
    /^```/ { inside = !inside; line = ""; next }
    line != "" { sub(/^ +/, "") }
    inside && /\\$/ { line = line substr($0, 1, length($0) - 1); next }
    inside { line = line $0; if (index(line, beginning) == 1) print line; line = "" }' "$page")
if printf '%s\n' "$found" | grep -qxF -- "$beginning"; then
    found=$beginning
fi
[ "$(printf '%s\n' "$found" | grep -c .)" -eq 1 ] || {
    echo "take_command: not one command of $page begins with '$beginning': $found" >&2
    exit 1
}
while [ "$#" -gt 0 ]; do
    found=$(printf '%s' "$found" | sed "s|$1|$2|g")
    shift 2
done
printf '%s\n' "$found"
