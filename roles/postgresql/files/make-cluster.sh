#!/bin/sh
# Part of Cairn's role postgresql. Makes the cluster whole or not at all, or takes over the one that lies there.
# Arguments: `look` (only say) or `make`, the folder of the data, the folder of PostgreSQL's programs.
set -eu
act=$1
data=$2
programs=$3
if [ -e "$data/PG_VERSION" ]; then
    # A volume that comes from another machine has its numbers for accounts.
    if [ "$(stat --format=%U "$data" "$data/PG_VERSION" | sort -u)" != postgres ]; then
        echo "The database on the volume belongs to another account"
        [ "$act" = look ] || chown -R postgres:postgres "$data"
    fi
    exit 0
fi
echo "There is no database yet"
[ "$act" = make ] || exit 0
rm -rf "$data.new"
install --directory --owner=postgres --group=postgres --mode=0700 "$data.new"
cd /
runuser -u postgres -- "$programs/initdb" --pgdata="$data.new" --data-checksums --encoding=UTF8 \
    --locale=C.UTF-8 --auth-local=peer --auth-host=reject --no-instructions >/dev/null
[ ! -d "$data" ] || rmdir "$data"
mv "$data.new" "$data"
sync -f "$data"
