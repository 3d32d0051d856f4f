#!/bin/sh
# Part of Cairn's role base. Loads the audit rules now, or asks for a restart where they are locked.
set -eu
umask 022
rules=/etc/audit/rules.d/10-cairn.rules
# Debian 13's unit knows no reload; a hang-up makes auditd read its settings on both releases.
systemctl kill --kill-whom=main --signal=HUP auditd.service
if auditctl -s | grep -qx 'enabled 2'; then
    # The same two files that Debian's own packages write.
    echo '*** System restart required ***' >/run/reboot-required
    grep -qsx auditd /run/reboot-required.pkgs || echo auditd >>/run/reboot-required.pkgs
elif [ -e "$rules" ]; then
    auditctl -R "$rules" >/dev/null
else
    auditctl -D >/dev/null
fi
