#!/bin/sh
# Part of Cairn's role archive. Says each unit that does not run, or began before its settings were written.
# Arguments: the unit, its files.
set -eu
unit=$1
shift
if ! systemctl --quiet is-active "$unit"; then
    echo "$unit does not run"
    exit 0
fi
since=$(date --date="$(systemctl show --property=ActiveEnterTimestamp --value "$unit")" +%s)
for file; do
    if [ "$(stat --format=%Y "$file" 2>/dev/null || echo 0)" -gt "$since" ]; then
        echo "$unit began before $file was written"
    fi
done
