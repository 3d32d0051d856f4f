#!/bin/sh
# Part of Cairn's role base. Puts the files back that the role had replaced.
# Argument: the folder that keeps them under their own paths.
set -eu
cd "$1"
# File by file: the folders of the host keep their own owners and modes.
find . -type f | while read -r file; do
    cp -p "$file" "/$file"
done
rm -rf "$1"
