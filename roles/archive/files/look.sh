#!/bin/sh
# Part of Cairn's role archive. Says what the preflight judges. Reads only.
# Arguments: paths of which it is told whether they are there.
set -u
for path; do
    [ ! -e "$path" ] || echo "there $path"
done
if systemctl --quiet is-active orthanc.service && [ ! -e /etc/systemd/system/orthanc.service.d/cairn.conf ]; then
    echo another-orthanc
fi
if systemctl --quiet is-active nginx.service; then echo another-nginx; fi
if systemctl --quiet is-enabled nginx.service 2>/dev/null; then echo nginx-is-enabled; fi
