# SPDX-License-Identifier: GPL-2.0-or-later
"""For tests that drive a Debian kernel in an initrd, and the emulator through QMP.

    make_initrd(path, kernel, ["virtio_blk"], {"pattern": data})   # files appear in /m
    with Guest([..., "-initrd", path]) as g:
        ready(g, slow)             # modules are loaded, a shell listens
        qmp = Qmp(socket_path)
"""
import glob
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time

from guest import HERE, GuestError


def module_order(kernel, names):
    """Files of kernel modules and of what they depend on, in an order they can be loaded in."""
    tree = os.path.dirname(os.path.dirname(kernel))
    paths = {os.path.basename(p)[:-3].replace("-", "_"): p
             for p in glob.glob(f"{tree}/lib/modules/*/kernel/**/*.ko", recursive=True)}
    order = []

    def add(name):
        path = paths.get(name.replace("-", "_"))
        if not path or path in order:
            return  # built in
        with open(path, "rb") as f:
            depends = re.search(rb"\0depends=([^\0]*)\0", f.read())
        for d in depends.group(1).decode().split(",") if depends else []:
            add(d)
        order.append(path)

    for name in names:
        add(name)
    return order


def make_initrd(out, kernel, modules, files=None):
    """The one of mkinitrd with a second archive behind it: modules, and files for /m."""
    subprocess.run([f"{HERE}/mkinitrd", out], check=True)
    with tempfile.TemporaryDirectory(prefix="rhea-initrd-") as d:
        os.mkdir(f"{d}/m")
        with open(f"{d}/m/load", "w") as f:
            for path in module_order(kernel, modules):
                shutil.copy(path, f"{d}/m/")
                f.write(f"insmod /m/{os.path.basename(path)}\n")
        for name, data in (files or {}).items():
            with open(f"{d}/m/{name}", "wb") as f:
                f.write(data)
        archive = subprocess.run("find . | cpio -o -H newc -R 0:0 --quiet | gzip -1", shell=True, cwd=d,
                                 capture_output=True, check=True).stdout
    with open(out, "ab") as f:
        f.write(archive)


def ready(g, slow):
    """Waits for the shell; loads the modules. From then on nothing is echoed."""
    g.expect("RHEA-GUEST-READY", 180 * slow)
    g.expect("# ", 20 * slow)
    g.send("stty -echo; PS1=; sh /m/load; echo load''ed\n")
    g.expect(r"\nloaded", 120 * slow)


def run(g, command, timeout):
    """A command's output."""
    g.send(f"{command}\necho ST''ATUS=$?\n")
    start = g.seen
    m = g.expect(rb"STATUS=(\d+)\r\n", timeout)
    out = g.log[start:m.start()].decode("latin1").replace("\r", "")
    return int(m.group(1)), out


def check_dmesg(g, slow):
    """Nothing that the kernel found wrong with the machine."""
    g.send("dmesg | grep -E 'BUG|Oops|WARNING|Unhandled fault|SError|stuck' | head -n 5; echo dmesg''-done\n")
    g.expect("dmesg-done\r", 20 * slow)
    bad = re.search(rb"\] (Oops|BUG: |WARNING: CPU|.*Unhandled fault|.*SError|.*self-detected stall)", g.log)
    if bad:
        raise GuestError(f"the kernel complains: {bad.group(0)!r}\n{g.tail(40)}")


class Qmp:
    """Commands from one thread; events are kept, and given to on_event on the reader's thread."""

    def __init__(self, path, on_event=None, timeout=60):
        self.timeout, self.on_event, self.events = timeout, on_event, []
        self.cond, self.replies, self.closed = threading.Condition(), [], False
        self.lock = threading.Lock()
        self.s = socket.socket(socket.AF_UNIX)
        end = time.monotonic() + timeout
        while True:
            try:
                self.s.connect(path)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        self.f = self.s.makefile("rw", newline="\n")  # a terminal on the way may add carriage returns
        self.f.readline()
        threading.Thread(target=self._read, daemon=True).start()
        self.cmd("qmp_capabilities")

    def _read(self):
        try:
            for line in self.f:
                r = json.loads(line)
                with self.cond:
                    (self.events if "event" in r else self.replies).append(r)
                    self.cond.notify_all()
                if "event" in r and self.on_event:
                    self.on_event(r["event"], r.get("data"))
        except (OSError, ValueError):
            pass
        with self.cond:
            self.closed = True
            self.cond.notify_all()

    def raw(self, name, **args):
        """The whole reply."""
        with self.lock:
            self.s.sendall((json.dumps({"execute": name, "arguments": args}) + "\n").encode())
            with self.cond:
                if not self.cond.wait_for(lambda: self.replies or self.closed, self.timeout):
                    raise AssertionError(f"{name}: no reply")
                if not self.replies:
                    raise AssertionError(f"{name}: the connection is gone")
                return self.replies.pop(0)

    def cmd(self, name, **args):
        r = self.raw(name, **args)
        if "error" in r:
            raise AssertionError(f"{name}: {r['error']}")
        return r["return"]

    def event(self, name, since=0, timeout=None):
        """The data of the first such event after the first `since` events."""
        def find():
            return next((e for e in self.events[since:] if e["event"] == name), None)
        with self.cond:
            if not self.cond.wait_for(find, timeout or self.timeout):
                raise AssertionError(f"no event {name}: {self.events[since:]}")
            return find().get("data")
