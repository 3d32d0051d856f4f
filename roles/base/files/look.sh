#!/bin/sh
# Says in one JSON object what the preflight of `base` judges. Reads only.
# Arguments: the name that must resolve (the package mirror's, or the proxy's; may be empty), and
# the units that must run.
set -u
name=$1
shift
# shellcheck source=/dev/null
. /etc/os-release
resolver=/etc/resolv.conf
# systemd-resolved shows itself in resolv.conf and keeps the real servers beside it.
if grep -q '^nameserver 127\.0\.0\.53' "$resolver"; then
    resolver=/run/systemd/resolve/resolv.conf
fi
free_mib() { df --output=avail --block-size=1M "$1" | tail -n 1 | tr -d ' '; }
resolves=true
if [ -n "$name" ] && ! getent ahosts "$name" >/dev/null; then resolves=false; fi
systemd=false
if [ -d /run/systemd/system ]; then systemd=true; fi
ssh_settings=$(sha256sum /etc/ssh/sshd_config.d/10-cairn.conf 2>/dev/null | cut -d' ' -f1)
on_trial=false
if [ -d /var/lib/cairn/base/ssh ]; then on_trial=true; fi
running=
for unit; do
    if systemctl --quiet is-active "$unit" && systemctl --quiet is-enabled "$unit"; then
        running="$running $unit"
    fi
done
cat <<JSON
{"root": $([ "$(id -u)" = 0 ] && echo true || echo false),
 "os": "${ID}-${VERSION_ID:-unknown}",
 "epoch": $(date +%s),
 "systemd": ${systemd},
 "container": "$(systemd-detect-virt --container 2>/dev/null)",
 "apparmor": "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null || echo N)",
 "free": {"/": $(free_mib /), "/var": $(free_mib /var)},
 "ssh_settings": "${ssh_settings}",
 "on_trial": ${on_trial},
 "running": "${running}",
 "resolves": ${resolves},
 "name_servers": "$(awk '$1 == "nameserver" {printf "%s ", $2}' "$resolver")"}
JSON
