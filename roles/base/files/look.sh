#!/bin/sh
# Says in one JSON object what the preflight of `base` judges. Reads only.
# Argument: the name that must resolve (the package mirror's, or the proxy's), or nothing.
set -u
# shellcheck source=/dev/null
. /etc/os-release
resolver=/etc/resolv.conf
# systemd-resolved shows itself in resolv.conf and keeps the real servers beside it.
if grep -q '^nameserver 127\.0\.0\.53' "$resolver"; then
    resolver=/run/systemd/resolve/resolv.conf
fi
free_mib() { df --output=avail --block-size=1M "$1" | tail -n 1 | tr -d ' '; }
resolves=true
if [ -n "${1:-}" ] && ! getent ahosts "$1" >/dev/null; then resolves=false; fi
systemd=false
if [ -d /run/systemd/system ]; then systemd=true; fi
cat <<JSON
{"root": $([ "$(id -u)" = 0 ] && echo true || echo false),
 "os": "${ID}-${VERSION_ID:-unknown}",
 "epoch": $(date +%s),
 "systemd": ${systemd},
 "container": "$(systemd-detect-virt --container 2>/dev/null)",
 "apparmor": "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null || echo N)",
 "free": {"/": $(free_mib /), "/var": $(free_mib /var)},
 "resolves": ${resolves},
 "name_servers": "$(awk '$1 == "nameserver" {printf "%s ", $2}' "$resolver")"}
JSON
