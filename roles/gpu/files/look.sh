#!/bin/sh
# Says what the host has of a GPU, as one JSON object; changes nothing.
#
#   look.sh [ROOT]   ROOT stands before /sys, /proc and /var, for recorded trees
set -u
PATH=/usr/sbin:/usr/bin:/sbin:/bin
root=${1-}

# PCI class 03 is a display controller, 0x10de the number of NVIDIA (pci.ids).
gpus=0
for device in "$root"/sys/bus/pci/devices/*; do
    [ "$(cat "$device/vendor" 2>/dev/null)" = 0x10de ] || continue
    case $(cat "$device/class" 2>/dev/null) in 0x03*) gpus=$((gpus + 1)) ;; esac
done

driver=$(sed -n 's/^NVRM version:.*  \([0-9][0-9.]*\)  .*/\1/p' "$root/proc/driver/nvidia/version" 2>/dev/null)
# Whose device files the loaded driver makes: number of the group, and mode in decimal (0660 is 432).
params=$root/proc/driver/nvidia/params
owner=$(sed -n 's/^DeviceFileGID: //p' "$params" 2>/dev/null)
mode=$(sed -n 's/^DeviceFileMode: //p' "$params" 2>/dev/null)
nouveau=false
[ ! -d "$root/sys/module/nouveau" ] || nouveau=true

# UEFI specification 3.3: four bytes of attributes, then one that is 1 where Secure Boot is on.
secure=off
state=$root/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
[ ! -e "$state" ] || [ "$(tail -c 1 "$state" | od -An -tu1 | tr -d ' ')" != 1 ] || secure=on
if [ -z "$root" ] && command -v mokutil >/dev/null; then
    case $(mokutil --sb-state 2>/dev/null) in *'SecureBoot enabled'*) secure=on ;; esac
fi
trusted=false
if [ "$secure" = on ] && [ -e "$root/var/lib/dkms/mok.pub" ] && command -v mokutil >/dev/null; then
    case $(mokutil --test-key "$root/var/lib/dkms/mok.pub" 2>/dev/null) in *'already enrolled'*) trusted=true ;; esac
fi

release=$(cat "$root/proc/sys/kernel/osrelease" 2>/dev/null)
debian=false
case $release in
    *[!A-Za-z0-9.+~-]* | '') release=unknown ;;
    *) dpkg-query --show "linux-image-$release" >/dev/null 2>&1 && debian=true ;;
esac
free=$(df --output=avail --block-size=1M /var /usr | sort -n | sed -n '/[0-9]/{p;q}' | tr -d ' ')
group=$(getent group cairn-gpu | cut -d : -f 3)

printf '{"gpus": %d, "driver": "%s", "nouveau": %s, "secure_boot": "%s", "key_trusted": %s, ' \
    "$gpus" "$driver" "$nouveau" "$secure" "$trusted"
printf '"device_group": "%s", "device_mode": "%s", ' "$owner" "$mode"
printf '"kernel": "%s", "debian_kernel": %s, "free_mib": %d, "group": "%s"}\n' \
    "$release" "$debian" "${free:-0}" "$group"
