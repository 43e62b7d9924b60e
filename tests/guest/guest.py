# SPDX-License-Identifier: GPL-2.0-or-later
"""Drives an emulator's serial console from a test, and prints TAP.

    with Guest([binary, ...]) as g:
        g.expect("login:", 60)
        g.send("root\\n")
        status = g.wait(10)
"""
import os
import re
import select
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))


class GuestError(Exception):
    pass


class Guest:
    def __init__(self, argv, cwd=None):
        self.argv = argv
        self.log = b""     # everything printed
        self.seen = 0      # how much of it expect() has consumed
        self.p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, cwd=cwd)
        os.set_blocking(self.p.stdout.fileno(), False)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        if self.p.poll() is None:
            self.p.kill()
            self.p.wait()

    def _pump(self, timeout):
        """Reads what is there; False at the end of the output."""
        r, _, _ = select.select([self.p.stdout], [], [], timeout)
        if not r:
            return True
        data = os.read(self.p.stdout.fileno(), 65536)
        self.log += data
        return bool(data)

    def expect(self, pattern, timeout):
        """Waits until pattern (a regular expression) appears in what was not consumed yet."""
        want = re.compile(pattern.encode() if isinstance(pattern, str) else pattern)
        end = time.monotonic() + timeout
        while True:
            m = want.search(self.log, self.seen)
            if m:
                self.seen = m.end()
                return m
            left = end - time.monotonic()
            if left <= 0:
                raise GuestError(f"no '{pattern}' within {timeout} s; output ends:\n{self.tail()}")
            if not self._pump(min(left, 1)):
                raise GuestError(f"emulator ended (status {self.p.wait()}) without '{pattern}':\n{self.tail()}")

    def appears(self, pattern, timeout):
        """expect() for what may not come: None then."""
        try:
            return self.expect(pattern, timeout)
        except GuestError:
            if self.p.poll() is not None:
                raise
            return None

    def send(self, text):
        self.p.stdin.write(text.encode())
        self.p.stdin.flush()

    def wait(self, timeout):
        """Waits for the process to end; its exit status (negative: signal)."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if not self._pump(0.2):
                return self.p.wait(max(1, end - time.monotonic()))
            if self.p.poll() is not None:
                while self._pump(0.1) and select.select([self.p.stdout], [], [], 0)[0]:
                    pass
                return self.p.returncode
        self.p.send_signal(signal.SIGKILL)
        raise GuestError(f"emulator still runs after {timeout} s; output ends:\n{self.tail()}")

    def tail(self, lines=15):
        return "\n".join("    " + l for l in self.log[-4000:].decode("latin1").splitlines()[-lines:])


def slowness(binary):
    """Factor for timeouts: a build with sanitizers needs longer."""
    with open(binary, "rb") as f:
        return 10 if b"__asan_init" in f.read() else 1


def fetch(*what):
    """A file from a Debian package, through the cache (see `fetch`)."""
    return subprocess.run([f"{HERE}/fetch", *what], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def run_tap(tests):
    """Runs (name, function) pairs; a function raising Skip skips, raising anything fails."""
    print(f"1..{len(tests)}")
    failed = 0
    for n, (name, fn) in enumerate(tests, 1):
        t0 = time.monotonic()
        try:
            note = fn() or ""
            print(f"ok {n} - {name}")
            print(f"# {time.monotonic() - t0:.1f} s {note}", flush=True)
        except Skip as e:
            print(f"ok {n} - {name} # SKIP {e}", flush=True)
        except Exception as e:  # a test reports whatever went wrong
            failed += 1
            print(f"not ok {n} - {name}")
            for l in str(e).splitlines() or [repr(e)]:
                print(f"# {l}")
            sys.stdout.flush()
    return 1 if failed else 0


class Skip(Exception):
    pass
