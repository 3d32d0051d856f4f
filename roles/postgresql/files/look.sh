#!/bin/sh
# Part of Cairn's role postgresql. Says what the preflight judges. Reads only.
# Arguments: the release, the folder of the data, paths of which it is told whether they are there.
set -u
version=$1
data=$2
shift 2
awk '$1 == "MemTotal:" {print "memory", int($2 / 1024)}' /proc/meminfo
for found in /etc/postgresql/*/*/postgresql.conf; do
    case $found in
    *'*'* | "/etc/postgresql/$version/cairn/"*) ;;
    *) echo "cluster $(echo "$found" | cut -d/ -f4,5)" ;;
    esac
done
if [ -e "$data/PG_VERSION" ]; then
    echo "data $(cat "$data/PG_VERSION")"
elif [ -n "$(ls "$data" 2>/dev/null)" ]; then
    echo not-a-database
fi
for path; do
    [ ! -e "$path" ] || echo "there $path"
done
