#!/bin/sh
# Part of Cairn's role base. Keeps originals under their own paths, and prints each one it finds.
# Arguments: `mv` (the file goes) or `cp` (it is overwritten later), `look` (only print) or
# `really`, the folder that keeps them, the files.
set -eu
how=$1
act=$2
kept=$3
shift 3
for file; do
    if [ ! -e "$file" ]; then continue; fi
    # What is overwritten is an original the first time only.
    if [ "$how" = cp ] && [ -e "$kept$file" ]; then continue; fi
    echo "$file"
    if [ "$act" = look ]; then continue; fi
    case $how in
    mv) mv "$file" "$kept$file" ;;
    cp) cp -p "$file" "$kept$file" ;;
    esac
done
