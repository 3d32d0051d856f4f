#!/bin/sh
# Part of Cairn's role postgresql. Makes what is missing of the databases and their owners.
# Arguments: `look` (only say) or `make`, the names.
set -eu
act=$1
shift
cd /
ask() { runuser -u postgres -- psql --no-psqlrc --tuples-only --no-align --set=ON_ERROR_STOP=1 --command="$1" postgres; }
# A server that does not run is told by the task that starts it.
[ "$act" = make ] || runuser -u postgres -- pg_isready --quiet || exit 0
for name; do
    if [ -z "$(ask "SELECT 1 FROM pg_roles WHERE rolname = '$name'")" ]; then
        echo "The role $name is missing"
        [ "$act" = look ] || ask "CREATE ROLE $name LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION" >/dev/null
    fi
    if [ -z "$(ask "SELECT 1 FROM pg_database WHERE datname = '$name'")" ]; then
        echo "The database $name is missing"
        [ "$act" = look ] || {
            ask "CREATE DATABASE $name OWNER $name" >/dev/null
            ask "REVOKE ALL ON DATABASE $name FROM PUBLIC" >/dev/null
        }
    fi
done
