#!/bin/sh
# Part of Cairn's role base. Keeps the old SSH settings until a new login has proved the new ones.
#   guard-ssh.sh arm SECONDS   keep the present settings and bring them back after so many seconds
#   guard-ssh.sh load [USER]   reload sshd, if it would keep to the plan and let USER in
#   guard-ssh.sh undo          bring them back now, unless that has happened already
#   guard-ssh.sh disarm        the new settings are proved: forget the old ones
set -eu
drop_in=/etc/ssh/sshd_config.d/10-cairn.conf
kept=/var/lib/cairn/base/ssh
unit=cairn-guard-ssh

# Asks sshd what it would do with a login, and stops if another file of /etc/ssh overrules the plan.
judge() {
    seen=$(sshd -T -C "user=$1,host=localhost,addr=127.0.0.1")
    for wanted in 'permitrootlogin no' 'passwordauthentication no' 'permitemptypasswords no' \
        'kbdinteractiveauthentication no' 'disableforwarding yes' 'maxauthtries 4' "allowusers $1"; do
        if ! printf '%s\n' "$seen" | grep -qxF "$wanted"; then
            echo "Another file under /etc/ssh overrules the plan: sshd would not say '$wanted'." >&2
            echo "Remove what overrules it from sshd_config or sshd_config.d." >&2
            exit 1
        fi
    done
}

case $1 in
arm)
    # What a run that was cut short kept is the last that was proved.
    if [ ! -d "$kept" ]; then
        mkdir -p "$kept"
        chmod 0700 "$kept"
        if [ -e "$drop_in" ]; then cp -p "$drop_in" "$kept/"; fi
    fi
    cp "$0" "$kept/guard-ssh.sh"
    systemctl stop "$unit.timer" 2>/dev/null || true
    systemd-run --quiet --collect --unit="$unit" --on-active="$2" \
        --timer-property=AccuracySec=1s /bin/sh "$kept/guard-ssh.sh" undo
    ;;
load)
    sshd -t
    if [ -n "${2:-}" ]; then judge "$2"; fi
    systemctl reload ssh.service
    ;;
undo)
    if [ ! -d "$kept" ]; then exit 0; fi
    if [ -e "$kept/10-cairn.conf" ]; then
        mv "$kept/10-cairn.conf" "$drop_in"
    else
        rm -f "$drop_in"
    fi
    systemctl try-reload-or-restart ssh.service
    rm -rf "$kept"
    systemctl stop "$unit.timer" 2>/dev/null || true
    ;;
disarm)
    if [ ! -d "$kept" ]; then
        echo "The guard had brought the old SSH settings back before the new ones were proved." >&2
        echo "See why logging in takes so long, or raise base_ssh_grace." >&2
        exit 1
    fi
    systemctl stop "$unit.timer"
    rm -rf "$kept"
    ;;
esac
