#!/bin/sh
# Part of Cairn's role archive. Makes the folder of the images, or takes over the one that lies there.
# Arguments: `look` (only say) or `make`, the folder.
set -eu
if [ "$(stat --format='%a %U' "$2" 2>/dev/null)" = "700 orthanc" ]; then exit 0; fi
if [ -d "$2" ]; then echo "The images on the volume belong to another account"; else echo "There is no folder for images yet"; fi
[ "$1" = make ] || exit 0
mkdir -p "$2"
# A volume that comes from another machine has its numbers for accounts. The folder itself comes last: a run that
# is cut short begins again.
find "$2" -mindepth 1 ! -user orthanc -exec chown --no-dereference orthanc:orthanc {} +
chmod 0700 "$2"
chown orthanc:orthanc "$2"
