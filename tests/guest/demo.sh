#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make demo: the kernel of Debian 12's linux-image-cloud-amd64 with a busybox
# initrd, under the translator, to an interactive shell.
set -eu

build=${1:-build}
here=$(cd "$(dirname "$0")" && pwd)
kernel=$("$here/fetch" kernel)
initrd=$build/demo-initrd.gz
"$here/mkinitrd" "$initrd"
set -x
exec "$build/rhea-system-x86_64" -m 512 -nographic -no-reboot -cpu max \
    -kernel "$kernel" -initrd "$initrd" -append "console=ttyS0 quiet rhea.demo"
