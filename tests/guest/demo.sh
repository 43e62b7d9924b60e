#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# demo.sh BUILD            make demo: a Debian disk (build-image) to its login on the serial console; the
#                          disk, BUILD/demo-disk.qcow2, keeps what is written
# demo.sh --reset BUILD    make demo-reset: removes that disk; the next demo makes a new one
# demo.sh --fast BUILD     make demo-fast: the kernel of linux-image-cloud-amd64 with a busybox initrd
set -eu

mode=disk
case ${1:-} in
--fast | --reset) mode=${1#--}; shift ;;
esac
build=${1:-build}
here=$(cd "$(dirname "$0")" && pwd)
disk=$build/demo-disk.qcow2

case $mode in
reset)
    if [ -e "$disk" ]; then
        rm -f "$disk"
        echo "demo: $disk is removed; the next 'make demo' makes a new one"
    else
        echo "demo: there is no $disk"
    fi
    ;;
fast)
    kernel=$("$here/fetch" kernel)
    initrd=$build/demo-initrd.gz
    "$here/mkinitrd" "$initrd"
    set -x
    exec "$build/rhea-system-x86_64" -m 512 -nographic -no-reboot -cpu max \
        -kernel "$kernel" -initrd "$initrd" -append "console=ttyS0 quiet rhea.demo"
    ;;
disk)
    if [ -e "$disk" ]; then
        echo "demo: $disk, as you left it ('make demo-reset' for a new one)"
    else
        "$here/build-image" --img "$build/rhea-img" amd64 "$disk" >/dev/null
    fi
    cat <<'TEXT'

Debian 12 from a disk, translated by Rhea. Log in as root, password rhea.
`poweroff` ends it, Ctrl-A x at once; Ctrl-A h shows the other keys.

TEXT
    set -x
    exec "$build/rhea-system-x86_64" -M q35 -m 1G -smp 2 -cpu max -nographic \
        -drive "file=$disk,if=virtio"
    ;;
esac
