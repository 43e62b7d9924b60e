#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""armhf.py BINARY [--long]: programs of Debian's armhf, which use Advanced SIMD in earnest: OpenSSL (with its NEON and ARMv8 code, and
without), zstd, Python; on the kernel linux-image-armmp-lpae with processors of Armv7 and on an arm64 kernel. What they print
is compared with the host's results."""
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guest import HERE, Guest, GuestError, fetch, run_tap, slowness  # noqa: E402
from linux import check_dmesg, run  # noqa: E402

BINARY = sys.argv[1]
SLOW = slowness(BINARY)
TMP = tempfile.mkdtemp(prefix="rhea-armhf-")
INITRD = f"{TMP}/initrd.gz"
DATA = "".join(f"{i}\n" for i in range(1, 100001)).encode()
DIGESTS = ["md5", "sha1", "sha256", "sha512", "sha3-256", "blake2b512"]
CIPHERS = ["aes-128-cbc", "aes-256-ctr", "aes-192-ecb", "chacha20", "camellia-128-cbc"]
NUMBERS = ("import random, struct; random.seed(7); l = [random.gauss(0, 1) ** 2 for _ in range(20000)]; "
           "print(sum(l).hex(), struct.pack('<e', max(l)).hex(), sorted(l)[100].hex())")

# $1: OPENSSL_armcap, - for what the processor has. Prints one line a result.
WORK = f"""
[ $1 = - ] || export OPENSSL_armcap=$1
cd /tmp
for a in {' '.join(DIGESTS)}; do echo $a $(openssl dgst -$a -r data | cut -d' ' -f1); done
for c in {' '.join(CIPHERS)}; do
    K="-K 000102030405060708090a0b0c0d0e0f1011121314151617 -iv 0f0e0d0c0b0a09080706050403020100"
    openssl enc -$c -e $K -in data -out enc 2>/dev/null
    openssl enc -$c -d $K -in enc 2>/dev/null | cmp - data && echo $c $(sha256sum <enc | cut -d' ' -f1)
done
openssl genrsa -out rsa 1024 2>/dev/null; openssl ecparam -genkey -name prime256v1 -noout -out ec
for k in rsa ec; do
    openssl pkey -in $k -pubout -out pub; openssl dgst -sha256 -sign $k -out sig data
    echo sign-$k $(openssl dgst -sha256 -verify pub -signature sig data)
done
"""


def make_initrd():
    """mkinitrd's with armhf's busybox; behind it the programs with their libraries."""
    env = {**os.environ, "BUSYBOX": fetch("busybox-armhf")}
    subprocess.run([f"{HERE}/mkinitrd", INITRD], check=True, env=env)
    root = f"{TMP}/root"
    os.makedirs(f"{root}/tmp")
    for tree, wanted in (("openssl", ["usr/bin/openssl"]), ("zstd", ["usr/bin/zstd"]),
                         ("python3-minimal", ["usr/bin/python3.11", "usr/lib/python3.11"])):
        subprocess.run(["cp", "-a", "--parents", *wanted, "lib", "usr/lib/arm-linux-gnueabihf", root], check=True,
                       cwd=fetch("tree", "armhf", tree))
    for name, data in (("data", DATA), ("work", WORK.encode())):
        with open(f"{root}/tmp/{name}", "wb") as f:
            f.write(data)
    archive = subprocess.run("find . | cpio -o -H newc -R 0:0 --quiet | gzip -1", shell=True, cwd=root,
                             capture_output=True, check=True).stdout
    with open(INITRD, "ab") as f:
        f.write(archive)
    shutil.rmtree(root)


def results(text):
    return dict(line.split(" ", 1) for line in text.splitlines() if " " in line)


def check_openssl(g):
    """The digests are the host's; NEON, ARMv8's instructions and plain code agree, and signatures are good."""
    first = None
    for armcap in ("-", "1", "0"):  # all that there is; NEON alone; none
        status, text = run(g, f"sh /tmp/work {armcap}", 200 * SLOW)
        got = results(text)
        if status != 0 or len(got) != len(DIGESTS) + len(CIPHERS) + 2:
            raise GuestError(f"OPENSSL_armcap={armcap}: status {status}:\n{text}")
        for name in DIGESTS:
            want = hashlib.new({"sha3-256": "sha3_256", "blake2b512": "blake2b"}.get(name, name), DATA).hexdigest()
            if got[name] != want:
                raise GuestError(f"OPENSSL_armcap={armcap}: {name} is {got[name]}, not {want}")
        first = first or got
        if got != first or not all("Verified OK" in got[f"sign-{k}"] for k in ("rsa", "ec")):
            raise GuestError(f"OPENSSL_armcap={armcap} makes a difference:\n{text}\n{first}")


def check_others(g):
    for command, want in (
            ("zstd -q -9 -c /tmp/data | zstd -q -d -c | sha256sum | cut -c1-64", hashlib.sha256(DATA).hexdigest()),
            ("python3.11 -c 'import zlib; print(zlib.crc32(open(\"/tmp/data\", \"rb\").read()))'", str(zlib.crc32(DATA))),
            (f"python3.11 -c \"{NUMBERS}\"", subprocess.run([sys.executable, "-c", NUMBERS], capture_output=True, text=True,
                                                            check=True).stdout.strip())):
        status, text = run(g, command, 120 * SLOW)
        if status != 0 or text.strip() != want:
            raise GuestError(f"{command}: status {status}: {text!r}, not {want!r}")


def boot(kernel, cpu, cpus, wants):
    """wants: what /proc/cpuinfo and dmesg must have, as regular expressions."""
    def test():
        argv = [BINARY, "-M", "virt", "-cpu", cpu, "-m", "768", "-smp", str(cpus), "-nographic", "-no-reboot",
                "-kernel", fetch(kernel), "-initrd", INITRD, "-append", "console=ttyAMA0"]
        with Guest(argv) as g:
            m = g.expect(rb"RHEA-GUEST-READY after ([\d.]+)s, (\d+) processor", 240 * SLOW)
            if int(m.group(2)) != cpus:
                raise GuestError(f"the guest sees {m.group(2)} processors, not {cpus}")
            g.expect("# ", 20 * SLOW)
            g.send("stty -echo; PS1=; PATH=$PATH:/usr/bin; dmesg -n 1; cat /proc/cpuinfo; echo load''ed\n")
            g.expect(r"\nloaded", 20 * SLOW)
            for want in wants:
                if not re.search(want.encode(), g.log):
                    raise GuestError(f"no '{want}' in what the guest shows:\n{g.tail(40)}")
            check_openssl(g)
            check_others(g)
            check_dmesg(g, SLOW)
            g.send("poweroff -f\n")
            status = g.wait(60 * SLOW)
            if status != 0:
                raise GuestError(f"exit status {status} after poweroff:\n{g.tail()}")
            return f"guest uptime at the marker {m.group(1).decode()} s"
    return test


def cases(every):
    armv7 = [r"Features\t: .*\bneon\b.*\bvfpv4\b", "model name\t: ARMv7"]
    short = [
        ("armmp-lpae, cortex-a15, two processors", boot("kernel-armhf", "cortex-a15", 2, armv7)),
        ("armmp-lpae, max in AArch32, two processors",
         boot("kernel-armhf", "max,aarch64=off", 2, [r"Features\t: .*\bneon\b.*\baes pmull sha1 sha2\b"])),
        ("arm64 kernel, max, armhf programs", boot("kernel-arm64", "max", 2, ["CPU implementer"])),
    ]
    return short if not every else short + [
        ("armmp-lpae, cortex-a15, one processor", boot("kernel-armhf", "cortex-a15", 1, armv7)),
        ("armmp-lpae, cortex-a7, one processor", boot("kernel-armhf", "cortex-a7", 1, armv7)),
        ("armmp-lpae, cortex-a7, two processors", boot("kernel-armhf", "cortex-a7", 2, armv7)),
        ("arm64 kernel, cortex-a72, armhf programs", boot("kernel-arm64", "cortex-a72", 1, ["CPU part\t: 0xd08"])),
    ]


if __name__ == "__main__":
    make_initrd()
    tests = cases("--long" in sys.argv)
    code = run_tap(tests[:1] if SLOW > 1 else tests)
    shutil.rmtree(TMP)
    sys.exit(code)
