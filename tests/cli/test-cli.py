#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line as users meet it: one clear line for each mistake, no side effects, the
terminal always restored. Usage: test-cli.py SOURCE_DIR BUILD_DIR; prints TAP."""

import importlib.machinery
import importlib.util
import os
import pty
import signal
import subprocess
import sys
import tempfile
import termios
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../guest"))
from guest import run_tap  # noqa: E402

SRC, BUILD = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
QEMU_NAME = os.path.join(BUILD, "rhea-system-x86_64")
RHEA = os.path.join(BUILD, "rhea")
# A machine without processors or devices: quick, and enough for everything here.
BARE = ["-machine", "none", "-accel", "null"]
CASES = []


def case(fn):
    CASES.append(fn)
    return fn


def run(argv, typed="", **kw):
    return subprocess.run(argv, capture_output=True, text=True, timeout=30, input=typed, check=False, **kw)


def start(argv, **kw):
    return subprocess.Popen(argv, stderr=subprocess.PIPE, text=True, **kw)


def wait_until(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not happen in {seconds} s")
        time.sleep(0.02)


# Arguments, and what the one line must say. {d} is a directory, {f} a file with text in it.
MISTAKES = [
    (["-kernal", "x"], ["unknown option '-kernal'", "did you mean '-kernel'"]),
    (["--memroy"], ["unknown option '--memroy'", "-help"]),
    (["-m"], ["-m needs a value", "[size=]amount"]),
    (["-m", "12Q"], ["-m 12Q", "suffix 'Q'", "512M"]),
    (["-m", "lots"], ["'lots' is not a size"]),
    (["-m", "20000000000G"], ["too large"]),
    (["-m", "512,slots=2"], ["'slots' is unexpected"]),
    (["-smp", "two"], ["'two' is not a number"]),
    (["-smp", "0"], ["cpus must be between 1"]),
    (BARE + ["-smp", "4,cores=3"], ["-smp: sockets (1)", "leave one of them out"]),
    (BARE + ["-smp", "4,maxcpus=2"], ["-smp"]),
    (BARE + ["-fw_cfg", "opt/x,string=y"], ["-fw_cfg", "'none' has no firmware configuration"]),
    (["-fw_cfg", "opt/x"], ["the contents are missing", "file=path"]),
    (["-fw_cfg", "opt/x,file={f},string=y"], ["both file= and string="]),
    (["-fw_cfg", "opt/x,file={d}/no"], ["-fw_cfg '{d}/no'"]),
    (["-machine", "nonne"], ["there is no machine type 'nonne'", "did you mean 'none'"]),
    (["-machine", "none", "-accel", "nul"], ["there is no accelerator 'nul'", "'null'"]),
    (BARE + ["-cpu", "mx"], ["unable to find CPU model 'mx'", "did you mean 'max'"]),
    (["-accel", ""], ["name of an accelerator is missing"]),
    (BARE + ["-kernel", "{d}/missing"], ["-kernel '{d}/missing'", "No such file"]),
    (BARE + ["-kernel", "{d}"], ["-kernel '{d}' is a directory"]),
    (BARE + ["-kernel", "{d}/empty"], ["-kernel '{d}/empty' is empty"]),
    (BARE + ["-kernel", "{f}", "-initrd", "{d}"], ["-initrd '{d}' is a directory"]),
    (BARE + ["-kernel", "{f}", "-initrd", "{f} args,{d}/no more"], ["-initrd '{d}/no'", "No such file"]),
    (["-kernel", "{d}/arm64"], ["64-bit Arm", "rhea-system-aarch64"]),
    (["-kernel", "{d}/zimage"], ["32-bit Arm"]),
    (["-kernel", "{f}", "-bios", "bios-256k.bin"], ["no Linux kernel", "leave -bios out"]),
    (BARE + ["-append", "quiet"], ["-append only makes sense with -kernel"]),
    (BARE + ["-bios", "no-such-firmware.bin"], ["no-such-firmware.bin", "-L help"]),
    (BARE + ["-device", "no-such-device"], ["no device type 'no-such-device'"]),
    (BARE + ["-global", "nonsense"], ["driver.property=value"]),
    (BARE + ["-global", "no-such.prop=1"], ["no device type 'no-such'"]),
    (BARE + ["-serial", "bogus"], ["'bogus'", "stdio"]),
    (BARE + ["-serial"] + ["null", "-serial"] * 4 + ["null"], ["at most 4 serial ports"]),
    (BARE + ["-chardev", "bogus,id=x"], ["bogus"]),
    (BARE + ["-mon", "nothing"], ["no -chardev with id 'nothing'"]),
    (BARE + ["-mon", "mode=control"], ["'chardev' is missing"]),
    (["-display", "sdl"], ["display 'sdl' is not supported", "only 'none'"]),
    (["-nic", "user"], ["'user' is not supported"]),
    (["-net", "nic"], ["'nic' is not supported"]),
    (["-rtc", "clock=sun"], ["'sun' is not a value of 'clock'"]),
    (BARE + ["-rtc", "base=yesterday"], ["'yesterday' is not a time", "localtime"]),
    (["-boot", "order=cx"], ["-boot order=cx: there is no such boot device", "a and b (floppy)"]),
    (["-boot", "once=cc"], ["-boot once=cc: a device is named twice"]),
    (["-boot", "acdn"], ["-boot order=acdn: more than three"]),
    (["-boot", "splash-time=70000"], ["splash-time must be between"]),
    (["-rtc", "driftfix=slew"], ["'slew' is not a value of 'driftfix'", "none"]),
    (["-action", "reboot=explode"], ["reset, shutdown"]),
    (["-d", "guest_error"], ["unknown log item", "did you mean 'guest_errors'"]),
    (["-trace", "no_such_point"], ["no trace point matches"]),
    (BARE + ["-trace", "events={d}/missing"], ["-trace events '{d}/missing'"]),
    (BARE + ["-D", "{d}"], ["-D '{d}' is a directory"]),
    (BARE + ["-pidfile", "{d}/no/dir/pid"], ["-pidfile '{d}/no/dir/pid'"]),
    (["-echr", "300"], ["not the code of a character"]),
    (["disk.img"], ["-hda disk.img", "Could not open 'disk.img'", "No such file"]),
    (["-drive", "file=/nonexistent.img,format=raw"], ["Could not open '/nonexistent.img'"]),
    (["-drive", "file=/dev/null,fromat=raw"], ["did you mean 'format'"]),
    (["-drive", "driver=null-co,if=vrtio"], ["did you mean 'virtio'"]),
    (["-drive", "driver=null-co,index=0", "-drive", "driver=null-co,index=0"], ["bus=0, unit=0 (index=0) exists"]),
    (["-blockdev", "driver=null-co"], ["'node-name' must be specified"]),
    (["-blockdev", "null-co,node-name=a", "-blockdev", "null-co,node-name=a"], ["Duplicate nodes"]),
    (["-blockdev", "nul-co,node-name=a"], ["did you mean 'null-co'"]),
    (["-drive", "file=x,serial=1"], ["option of the device"]),
    (["-"], ["'-' is not an option"]),
    (["-name", "=x"], ["not of the form key=value"]),
    (["-m", '{{"size": true}}'], ["expected: integer"]),
    (["-m", '{{"size": '], ["JSON"]),
]


@case
def mistakes():
    """Each mistake: one line on stderr, nothing on stdout, status 1, nothing created."""
    for args, texts in MISTAKES:
        with tempfile.TemporaryDirectory() as d:
            f = os.path.join(d, "file")
            with open(f, "w", encoding="ascii") as out:
                out.write("not a kernel\n")
            open(os.path.join(d, "empty"), "w", encoding="ascii").close()
            for name, magic, at in (("arm64", b"ARM\x64", 56), ("zimage", b"\x18\x28\x6f\x01", 0x24)):
                with open(os.path.join(d, name), "wb") as out:
                    out.write(bytes(at) + magic + bytes(4096))
            before = sorted(os.listdir(d))
            # What would leave traces if it were done before everything is checked.
            argv = [a.format(d=d, f=f) for a in
                    ["-D", "{d}/log", "-pidfile", "{d}/pid", "-chardev", "file,id=t,path={d}/out"]]
            if "-D" in args or "-pidfile" in args:
                argv = argv[4:]
            argv = [QEMU_NAME] + argv + [a.format(d=d, f=f) for a in args]
            r = run(argv, cwd=d)
            where = " ".join(args)
            assert r.returncode == 1, f"{where}: status {r.returncode}, {r.stderr}"
            assert r.stdout == "", f"{where}: prints {r.stdout!r}"
            assert r.stderr.count("\n") == 1, f"{where}: {r.stderr!r} is not one line"
            assert r.stderr.startswith("rhea-system-x86_64: "), f"{where}: {r.stderr!r}"
            for t in texts:
                t = t.format(d=d, f=f)
                assert t in r.stderr, f"{where}: {r.stderr!r} lacks {t!r}"
            late = {"-serial", "-chardev", "-mon"}  # found when the host side is being opened
            if not late & set(args):
                after = sorted(os.listdir(d))
                assert after == before, f"{where}: created {set(after) - set(before)}"


@case
def firmware_in_flash():
    """A PC with firmware in flash asks for no BIOS, and starts a kernel by the flash. A BIOS that is none stands for one that
    is missing: every host may have that somewhere."""
    with tempfile.TemporaryDirectory() as d:
        for name, size in (("bios-256k.bin", 100), ("flash", 1 << 20), ("variables", 1 << 16)):
            with open(os.path.join(d, name), "wb") as f:
                f.write(bytes(size))
        drive = ["-drive", "if=pflash,format=raw,file=flash"]
        node = ["-blockdev", "raw,node-name=f,file.driver=file,file.filename=flash"]
        for board in ("pc", "q35"):
            argv = [QEMU_NAME, "-L", d, "-nodefaults", "-display", "none", "-S", "-monitor", "stdio", "-M"]
            r = run(argv + [board], cwd=d)
            assert r.returncode == 1 and "bios-256k.bin' has 100 bytes" in r.stderr, r
            for flash in ([board, *drive], [board, "-pflash", "flash"], [board, *drive, *drive[:1], "if=pflash,format=raw,file=variables"],
                          [f"{board},pflash0=f", *node], [board, "-machine", "pflash0=f", *node]):
                r = run(argv + flash, cwd=d, typed="quit\n")
                assert r.returncode == 0 and "bios" not in r.stderr, r
                r = run(argv + flash + ["-kernel", "flash"], cwd=d)
                assert r.returncode == 1 and "the firmware boots no other; leave the flash out" in r.stderr, r
            r = run(argv + [board, "-drive", "if=pflash,unit=1,format=raw,file=flash"], cwd=d)
            assert r.returncode == 1 and "the second flash needs the first one" in r.stderr, r


@case
def help_texts():
    """Whatever can be listed is listed, with status 0 and nothing on stderr."""
    for args, text in [(["-help"], "-kernel file"), (["--help"], "Usage"), (["-h"], "Usage"),
                       (["-version"], "Rhea version"), (["-machine", "help"], "none"),
                       (["-M", "help"], "none"), (["-cpu", "help"], "max"),
                       (["-accel", "help"], "null"), (["-device", "help"], "Devices"),
                       (["-chardev", "help"], "socket"), (["-d", "help"], "guest_errors"),
                       (["-trace", "help"], ""), (["-display", "help"], "none"),
                       (["-L", "help"], "seabios")]:
        r = run([QEMU_NAME] + args)
        assert r.returncode == 0 and r.stderr == "", f"{args}: {r}"
        assert text in r.stdout, f"{args}: {r.stdout!r}"


@case
def device_aliases():
    """QEMU's short names of devices, in the list, in help, for -device and for -global."""
    listed = run([QEMU_NAME, "-device", "help"]).stdout
    for alias, name in [("virtio-blk", "virtio-blk-pci"), ("virtio-scsi", "virtio-scsi-pci"),
                        ("virtio-rng", "virtio-rng-pci"), ("virtio-balloon", "virtio-balloon-pci"),
                        ("ahci", "ich9-ahci")]:
        assert f'name "{name}", bus pci, alias "{alias}", desc' in listed, listed
        r = run([QEMU_NAME, "-device", f"{alias},help"])
        assert r.returncode == 0 and r.stdout.startswith(f"{name}: "), f"{alias}: {r}"
    probe = [QEMU_NAME, "-M", "pc", "-nodefaults", "-display", "none", "-S", "-monitor", "stdio", "-device",
             "virtio-rng,id=r", "-global", "virtio-rng.max-bytes=77"]
    r = subprocess.run(probe, input="info qtree\nquit\n", capture_output=True, text=True, timeout=30,
                       check=False)
    assert 'dev: virtio-rng-pci, id "r"' in r.stdout and "max-bytes = 77" in r.stdout, r.stdout
    r = run([QEMU_NAME, "-device", "virtio-rgn"])
    assert "did you mean 'virtio-rng'" in r.stderr, r


# Of the board virt; {d} is a directory with the files of arm_mistakes().
ARM_MISTAKES = [
    (["-M", "virt,iommu=smmuv3"], ["iommu", "none only"]),
    (["-M", "virt,gic-version=4"], ["gic-version", "2, 3, max"]),
    (["-M", "virt,ras=on"], ["ras=on"]),
    (["-M", "virt,highmem=off", "-m", "4G"], ["Addressing limited to 32 bits", "highmem=on"]),
    (["-smp", "9"], ["exceeds max CPUs", "gic-version=3"]),
    (["-m", "8"], ["8388608 bytes of memory", "16 MiB"]),
    (["-kernel", "{d}/uimage"], ["U-Boot", "Image or zImage"]),
    (["-kernel", "{d}/damaged"], ["damaged", "gzip -t"]),
    (["-kernel", "{d}/bzimage"], ["x86 Linux kernel", "rhea-system-x86_64"]),
    (["-kernel", "{d}/zimage"], ["32-bit zImage", "cortex-a15"]),
    (["-kernel", "{d}/image", "-m", "16"], ["does not fit", "-m "]),
    (["-kernel", "{d}/elf"], ["is for x86", "64-bit Arm"]),
    (["-kernel", "{d}/cpio"], ["cpio archive", "-initrd"]),
    (["-dtb", "{d}/uimage"], ["-dtb needs a kernel"]),
    (["-kernel", "{d}/plain", "-dtb", "{d}/uimage"], ["not a device tree", "dtc"]),
    (["-bios", "{d}/none"], ["none"]),
    (["-bios", "{d}/plain", "-drive", "if=pflash,format=raw,file={d}/plain"], ["64 MiB", "truncate"]),
]


@case
def arm_mistakes():
    """What the board virt and its kernel loader say of what cannot be."""
    def at(where, data, size=4096):
        return bytes(where) + data + bytes(size - where - len(data))
    files = {"uimage": at(0, b"\x27\x05\x19\x56"), "damaged": b"\x1f\x8b\x08" + bytes(range(100)),
             "bzimage": at(0x202, b"HdrS"), "zimage": at(0x24, b"\x18\x28\x6f\x01"),
             "image": at(16, (32 << 20).to_bytes(8, "little") + bytes(32) + b"ARM\x64"), "cpio": b"070701" + bytes(200),
             "elf": at(0, b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0\x3e\0"), "plain": bytes(100)}
    with tempfile.TemporaryDirectory() as d:
        for name, data in files.items():
            with open(os.path.join(d, name), "wb") as f:
                f.write(data)
        for args, words in ARM_MISTAKES:
            r = run([os.path.join(BUILD, "rhea-system-aarch64"), "-M", "virt", "-cpu", "max", "-display", "none",
                     *(a.format(d=d) for a in args)])
            assert r.returncode == 1 and r.stderr.count("\n") == 1, f"{args}: {r}"
            assert all(w in r.stderr for w in words), f"{args}: {r.stderr}"


@case
def machine_options():
    """-M NAME,help lists the machine's properties."""
    for binary, name, words in ((QEMU_NAME, "pc", ["hpet=<bool>", "acpi=<OnOffAuto>"]),
                                (os.path.join(BUILD, "rhea-system-aarch64"), "virt",
                                 ["gic-version=<string>", "virtualization=<bool>"])):
        r = run([binary, "-M", f"{name},help"])
        assert r.returncode == 0 and "-machine options:" in r.stdout, r
        assert all(w in r.stdout for w in words), r


@case
def personalities():
    """QEMU's defaults under its name, sane ones as rhea; what is not there says so."""
    r = run([os.path.join(BUILD, "rhea-system-aarch64")])
    assert r.returncode == 1 and "No machine specified" in r.stderr and "-machine help" in r.stderr, r
    assert r.stderr.count("\n") == 1, r
    with tempfile.TemporaryDirectory() as d:  # rhea knows an Arm kernel, and the machine of its name
        image = os.path.join(d, "Image")
        with open(image, "wb") as f:
            f.write(bytes(56) + b"ARM\x64" + bytes(100))
        for args in (["-kernel", image, "-dtb", "/no/such"], ["-M", "virt", "-kernel", image, "-dtb", "/no/such"]):
            r = run([RHEA, "-cpu", "max"] + args)
            assert "device tree" in r.stderr and r.stderr.count("\n") == 1, r
    r = run([QEMU_NAME, "-explain", "-machine", "pc", "-no-such"])
    assert "unknown option '-no-such'" in r.stderr, r


def ends_by(sig, argv, expected):
    with tempfile.TemporaryDirectory() as d:
        pid = os.path.join(d, "pid")
        p = start(argv + ["-pidfile", pid], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(pid) or p.poll() is not None, "the start")
        with open(pid, encoding="ascii") as f:
            assert int(f.read()) == p.pid
        p.send_signal(sig)
        _, err = p.communicate(timeout=20)
        assert p.returncode == expected, f"{sig}: status {p.returncode}, {err}"
        assert not os.path.exists(pid), "the pid file is still there"


@case
def orderly_end():
    """SIGTERM, SIGINT and SIGHUP end the program with status 0 and remove the pid file."""
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        ends_by(sig, [QEMU_NAME] + BARE + ["-display", "none", "-monitor", "none"], 0)


def flags(fd):
    return termios.tcgetattr(fd)[:4]


@case
def terminal_restored():
    """Whatever ends the program, the terminal is as before."""
    sanitized = "-fsanitize" in open(os.path.join(BUILD, "build.ninja"), encoding="utf-8").read()
    signals = [signal.SIGTERM, signal.SIGINT, signal.SIGABRT]
    if not sanitized:
        signals += [signal.SIGSEGV, signal.SIGQUIT]
    for sig in signals:
        master, slave = pty.openpty()
        before = flags(slave)
        p = start([QEMU_NAME] + BARE + ["-nographic"], stdin=slave, stdout=slave)
        wait_until(lambda: flags(slave) != before or p.poll() is not None, "raw mode")
        p.send_signal(sig)
        p.communicate(timeout=20)
        after = flags(slave)
        os.close(master)
        os.close(slave)
        assert after == before, f"{sig}: {before} became {after}"


@case
def ctrl_a_x():
    """Ctrl-A x ends the program; Ctrl-A h helps."""
    master, slave = pty.openpty()
    before = flags(slave)
    p = start([QEMU_NAME] + BARE + ["-nographic"], stdin=slave, stdout=slave)
    wait_until(lambda: flags(slave) != before or p.poll() is not None, "raw mode")
    os.write(master, b"\x01h")
    text = b""
    os.set_blocking(master, False)

    def helped():
        nonlocal text
        try:
            text += os.read(master, 4096)
        except BlockingIOError:
            pass
        return b"end the emulator" in text
    wait_until(helped, "the help of Ctrl-A h")
    os.write(master, b"\x01x")
    p.communicate(timeout=20)
    assert p.returncode == 0, p.returncode
    assert flags(slave) == before
    os.close(master)
    os.close(slave)


@case
def log_file():
    """-D takes what -d asks for."""
    with tempfile.TemporaryDirectory() as d:
        p = start([QEMU_NAME] + BARE + ["-display", "none", "-monitor", "none", "-S", "-d", "int",
                                        "-D", f"{d}/log-%d", "-pidfile", f"{d}/pid"],
                  stdin=subprocess.DEVNULL)
        wait_until(lambda: os.path.exists(f"{d}/pid") or p.poll() is not None, "the start")
        assert os.path.exists(f"{d}/log-{p.pid}"), os.listdir(d)
        p.terminate()
        p.communicate(timeout=20)


@case
def configure_mistakes():
    """configure explains a wrong option in one line."""
    for args, text in [(["--enable-magic"], "--enable-magic"), (["--prefix=here"], "absolute")]:
        r = run([os.path.join(SRC, "configure")] + args)
        assert r.returncode == 1 and text in r.stderr and r.stderr.count("\n") == 1, r
    r = run([os.path.join(SRC, "scripts/install-deps"), "luxury"])
    assert r.returncode == 1 and "luxury" in r.stderr and r.stderr.count("\n") == 1, r


@case
def test_counting():
    """scripts/run-tests counts cases, not programs, and no failure escapes it."""
    loader = importlib.machinery.SourceFileLoader("run_tests", os.path.join(SRC, "scripts/run-tests"))
    sys.dont_write_bytecode = True
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_tests", loader))
    loader.exec_module(module)
    for text, result, want in [
            ("ok 1 a\nok 2 b # SKIP no\nnot ok 3 c\n", "FAIL", (1, 1, 1)),
            ("1..2\nok 1\nok 2\n", "OK", (2, 0, 0)),
            ("ok 1\n", "ERROR", (1, 1, 0)),
            ("", "TIMEOUT", (0, 1, 0)),
            ("", "OK", (1, 0, 0)),
            ("1..0 # SKIP no tool\n", "SKIP", (0, 0, 1)),
            ("not ok 1 # TODO later\n", "OK", (1, 0, 0))]:
        got = module.count_cases({"stdout": text, "result": result})
        assert got == want, f"{text!r} {result}: {got}, not {want}"


def main():
    return run_tap([(fn.__name__, fn) for fn in CASES])


if __name__ == "__main__":
    sys.exit(main())
