#!/bin/sh
# Part of Cairn's role archive. Makes the passwords of Orthanc's users on the host, where they stay.
# Arguments: `look` (only say) or `make`, the consumers that come through the gate, `--`, all of Orthanc's users.
set -eu
umask 077
act=$1
shift
consumers=
while [ "$1" != -- ]; do
    consumers="$consumers $1"
    shift
done
shift
cd /etc/cairn/archive 2>/dev/null || { echo "There are no passwords yet" && exit 0; }

orthanc_users() {
    echo '// Made on this host by Cairn; changes made here are undone.'
    echo '{ "RegisteredUsers": {'
    separator=
    for user; do
        printf '%s  "%s": "%s"' "$separator" "$user" "$(cat "$user.password")"
        separator=',
'
    done
    printf '\n} }\n'
}
gate_users() {
    echo '# Made on this host by Cairn; changes made here are undone.'
    # shellcheck disable=SC2016 # nginx's own variables
    printf 'map $consumer $authorization {\n    default "";\n'
    for user in $consumers; do
        printf '    "%s" "Basic %s";\n' "$user" "$(printf 'web-%s:%s' "$user" "$(cat "web-$user.password")" | base64 -w 0)"
    done
    echo '}'
}
# Puts a text in the place of a file, whole or not at all. Arguments: file, mode, owner and group.
place() {
    cat >"$1.new"
    chown "$3" "$1.new"
    chmod "$2" "$1.new"
    if [ "$(cat "$1" 2>/dev/null)" = "$(cat "$1.new")" ] && [ "$(stat --format='%a %U:%G' "$1")" = "$2 $3" ]; then
        rm "$1.new"
        return
    fi
    mv "$1.new" "$1"
    echo "Wrote $1"
}

for file in *.password; do
    case " $* " in *" ${file%.password} "*) continue ;; esac
    [ -e "$file" ] || continue
    echo "$file is nobody's any more"
    [ "$act" = look ] || rm "$file"
done
for user; do
    if [ "$(stat --format='%a %U:%G' "$user.password" 2>&1)" = "600 root:root" ] && [ -s "$user.password" ]; then continue; fi
    echo "$user has no password of its own"
    [ "$act" = make ] || continue
    rm -f "$user.password"
    head -c 32 /dev/urandom | sha256sum | cut -d' ' -f1 | tr -d '\n' >"$user.password.new"
    mv "$user.password.new" "$user.password"
done
if [ "$act" = make ]; then
    orthanc_users "$@" | place /etc/orthanc/users.json 640 root:orthanc
    gate_users | place gate-users.conf 600 root:root
    sync -f .
    exit 0
fi
for user; do [ -s "$user.password" ] || exit 0; done
[ "$(orthanc_users "$@")" = "$(cat /etc/orthanc/users.json 2>/dev/null)" ] || echo "Orthanc does not know its users"
[ "$(gate_users)" = "$(cat gate-users.conf 2>/dev/null)" ] || echo "The gate does not know its users"
[ "$(stat --format='%a %U:%G' /etc/orthanc/users.json gate-users.conf | tr '\n' ' ')" = "640 root:orthanc 600 root:root " ] ||
    echo "Others can read the passwords"
