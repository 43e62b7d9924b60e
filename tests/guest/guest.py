# SPDX-License-Identifier: GPL-2.0-or-later
"""Drives an emulator's serial console from a test, and prints TAP.

    with Guest([binary, ...]) as g:
        g.expect("login:", 60)
        g.send("root\\n")
        status = g.wait(10)
"""
import concurrent.futures
import os
import re
import select
import signal
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))


class GuestError(Exception):
    pass


class Clock:
    """Seconds that a process had: without those that its threads waited for a processor.

    A limit in these is much the same on a busy host, and still ends what hangs or spins. Threads
    that sleep until another has had its turn wait as well, hence the sum; a little always counts."""

    def __init__(self, pid):
        self.tasks, self.waited, self.delays = f"/proc/{pid}/task", 0.0, {}
        self.last = time.monotonic()

    def now(self):
        real = time.monotonic()
        if real - self.last >= 0.5:
            delays = self._run_delays()
            waited = sum(ns - self.delays.get(t, 0) for t, ns in delays.items()) / 1e9
            self.waited += min(waited, 0.95 * (real - self.last))
            self.last, self.delays = real, delays
        return real - self.waited

    def _run_delays(self):
        """Of each thread, the time in ns that it could have run and did not (sched-stats.rst)."""
        delays = {}
        try:
            for t in os.listdir(self.tasks):
                with open(f"{self.tasks}/{t}/schedstat", encoding="ascii") as f:
                    delays[t] = int(f.read().split()[1])
        except OSError:
            pass  # it ends just now, or the host does not say
        return delays


class Guest:
    def __init__(self, argv, cwd=None):
        self.argv, self.name = argv, os.path.basename(argv[0])
        self.log = b""     # everything printed
        self.seen = 0      # how much of it expect() has consumed
        self.p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, cwd=cwd)
        os.set_blocking(self.p.stdout.fileno(), False)
        self.clock = Clock(self.p.pid)

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
        end = self.clock.now() + timeout
        while True:
            m = want.search(self.log, self.seen)
            if m:
                self.seen = m.end()
                return m
            left = end - self.clock.now()
            if left <= 0:
                raise GuestError(f"{self.name}: no '{pattern}' within {timeout} s; output ends:\n{self.tail()}")
            if not self._pump(min(left, 1)):
                raise GuestError(f"{self.name} ended (status {self.p.wait()}) without '{pattern}':\n{self.tail()}")

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
        end = self.clock.now() + timeout
        while self.clock.now() < end:
            if not self._pump(0.2):
                return self.p.wait(max(1, end - self.clock.now()))
            if self.p.poll() is not None:
                while self._pump(0.1) and select.select([self.p.stdout], [], [], 0)[0]:
                    pass
                return self.p.returncode
        self.p.send_signal(signal.SIGKILL)
        raise GuestError(f"{self.name} still runs after {timeout} s; output ends:\n{self.tail()}")

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


def run_one(n, name, fn):
    """Runs a test; (failed, its lines of TAP)."""
    t0 = time.monotonic()
    try:
        note = fn() or ""
        return False, f"ok {n} - {name}\n# {time.monotonic() - t0:.1f} s {note}"
    except Skip as e:
        return False, f"ok {n} - {name} # SKIP {e}"
    except (Exception, SystemExit) as e:  # a test reports whatever went wrong
        where = traceback.format_exc() if isinstance(e, AssertionError) and not str(e) else ""
        text = where or str(e) or repr(e)
        seconds = f"{time.monotonic() - t0:.1f} s"
        return True, "\n".join([f"not ok {n} - {name}", *(f"# {l}" for l in (seconds, *text.splitlines()))])


def run_tap(tests, jobs=1):
    """Runs (name, function) pairs, `jobs` at a time; a function raising Skip skips, raising anything fails."""
    print(f"1..{len(tests)}", flush=True)
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        one_by_one = pool.map if jobs > 1 else map
        for bad, text in one_by_one(run_one, range(1, len(tests) + 1), *zip(*tests)):
            failed += bad
            print(text, flush=True)
    return 1 if failed else 0


class Skip(Exception):
    pass
