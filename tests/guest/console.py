#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The real program's consoles: QMP over sockets, the human monitor, the multiplexer on a terminal,
and the terminal's settings whatever happens. A machine without processors is enough.
Usage: console.py BUILD_DIR; prints TAP."""

import json
import os
import pty
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guest import run_tap  # noqa: E402

BUILD = os.path.abspath(sys.argv[1])
BARE = [os.path.join(BUILD, "rhea-system-x86_64"), "-machine", "none", "-accel", "null", "-m", "1M",
        "-nodefaults", "-display", "none"]
ENV = dict(os.environ, RHEA_CHECK_QMP="1")
TIMEOUT = 30
CASES = []
RUNNING = []    # programs that a failed case may have left


def case(fn):
    CASES.append(fn)
    return fn


class Program:
    """A running emulator; at the end it must have ended by itself and said nothing on stderr."""

    def __init__(self, args, status=0, quiet=True, base=None, **kw):
        kw.setdefault("stdin", subprocess.DEVNULL)
        self.status, self.quiet, self.err = status, quiet, b""
        self.p = subprocess.Popen((base or BARE) + args, stderr=subprocess.PIPE, env=ENV, **kw)

    def __enter__(self):
        return self

    def communicate(self, data):
        """Standard output for that standard input."""
        out, self.err = self.p.communicate(data, timeout=TIMEOUT)
        return out.decode()

    def __exit__(self, kind, *rest):
        if kind:
            self.p.kill()
            print("# stderr: " + self.p.communicate()[1].decode(errors="replace"))
            return
        if self.p.returncode is None:
            self.err = self.p.communicate(timeout=TIMEOUT)[1]
        err = self.err.decode(errors="replace")
        assert self.p.returncode == self.status, f"status {self.p.returncode}: {err}"
        assert not self.quiet or not err, err


class Qmp:
    """A client of the simplest kind."""

    def __init__(self, where, negotiate=True):
        family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
        end = time.monotonic() + TIMEOUT
        while True:
            self.sock = socket.socket(family, socket.SOCK_STREAM)
            self.sock.settimeout(TIMEOUT)
            try:
                self.sock.connect(where)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.02)
        self.file = self.sock.makefile("rb")
        self.events = []
        self.greeting = self.read()
        if negotiate:
            assert self.ask("qmp_capabilities") == {"return": {}}

    def read(self):
        line = self.file.readline()
        return json.loads(line) if line else None

    def reply(self):
        while True:
            r = self.read()
            if r is None or "event" not in r:
                return r
            self.events.append(r["event"])

    def send(self, data):
        self.sock.sendall(data)

    def ask(self, command, **args):
        self.send(json.dumps({"execute": command, "arguments": args}).encode())
        return self.reply()

    def close(self):
        self.file.close()
        self.sock.close()


class Terminal:
    """A pseudo terminal whose slave the program has."""

    def __init__(self):
        self.master, self.slave = pty.openpty()
        self.before = self.settings()
        self.text = b""

    def settings(self):
        return termios.tcgetattr(self.slave)[:4]

    def is_raw(self):
        return not self.settings()[3] & termios.ICANON

    def type(self, data):
        os.write(self.master, data)

    def expect(self, what, seconds=TIMEOUT):
        end = time.monotonic() + seconds
        while what not in self.text:
            left = end - time.monotonic()
            assert left > 0, f"{what!r} did not come; got {self.text[-500:]!r}"
            if select.select([self.master], [], [], min(left, 0.1))[0]:
                self.text += os.read(self.master, 65536)
        at = self.text.index(what)
        seen, self.text = self.text[:at], self.text[at + len(what):]
        return seen

    def close(self):
        os.close(self.master)
        os.close(self.slave)


def wait_until(condition, what, seconds=TIMEOUT):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what} did not happen"
        time.sleep(0.01)


# ---- QMP ----

@case
def qmp_unix():
    """A session from greeting to quit, with events and status 0; the socket file is removed."""
    with tempfile.TemporaryDirectory() as d:
        path = f"{d}/qmp"
        with Program(["-S", "-qmp", f"unix:{path},server=on,wait=off"]):
            q = Qmp(path, negotiate=False)
            assert set(q.greeting["QMP"]) == {"version", "capabilities"}, q.greeting
            assert q.ask("query-status")["error"]["class"] == "CommandNotFound"
            assert q.ask("qmp_capabilities") == {"return": {}}
            assert q.ask("query-status")["return"] == {"running": False, "status": "prelaunch"}
            assert q.ask("cont") == {"return": {}}
            assert q.ask("query-status")["return"] == {"running": True, "status": "running"}
            assert q.ask("stop") == {"return": {}}
            assert q.ask("no-such")["error"]["class"] == "CommandNotFound"
            q.send(b'{"execute":"query-name","id":[1,{"a":null}]}')
            assert q.reply() == {"return": {}, "id": [1, {"a": None}]}
            names = [c["name"] for c in q.ask("query-commands")["return"]]
            assert {"quit", "stop", "cont", "query-status", "system_reset"} <= set(names), names
            assert q.ask("quit") == {"return": {}}
            while q.reply():
                pass
            assert q.events == ["RESUME", "STOP", "SHUTDOWN"], q.events
        assert not os.path.exists(path)


@case
def qmp_tray():
    """The tray's events come before the answer to the command that moves it, as in Debian's QEMU."""
    programs = [BARE[0]] + [p for p in [shutil.which("qemu-system-x86_64")] if p]
    with tempfile.TemporaryDirectory() as d:
        image = f"{d}/medium"
        with open(image, "wb") as f:
            f.write(bytes(65536))
        medium = {"device": "cd", "filename": image, "format": "raw"}
        for program in programs:
            path = f"{d}/qmp"
            with Program(["-M", "pc", "-S", "-nodefaults", "-display", "none", "-qmp", f"unix:{path},server=on,wait=off",
                          "-drive", f"if=none,id=cd,media=cdrom,file={image},format=raw",
                          "-device", "ide-cd,drive=cd,id=c"], base=[program]):
                q = Qmp(path)
                for command, args, moves in (("eject", {"device": "cd"}, 1), ("eject", {"device": "cd"}, 0),
                                             ("blockdev-change-medium", medium, 1),
                                             ("blockdev-change-medium", medium, 2),
                                             ("blockdev-open-tray", {"id": "c"}, 1),
                                             ("blockdev-close-tray", {"id": "c"}, 1)):
                    q.events.clear()
                    assert "return" in q.ask(command, **args), command
                    assert q.events == ["DEVICE_TRAY_MOVED"] * moves, f"{program}: {command}: {q.events}"
                q.ask("quit")


@case
def qmp_every_query():
    """Every query-* without arguments answers, and its answer fits the schema."""
    with tempfile.TemporaryDirectory() as d:
        with Program(["-qmp", f"unix:{d}/qmp,server=on,wait=off", "-name", "guest"]):
            q = Qmp(f"{d}/qmp")
            for c in q.ask("query-commands")["return"]:
                if c["name"].startswith("query-"):
                    r = q.ask(c["name"])
                    assert "return" in r or "Parameter" in r["error"]["desc"] or \
                        "missing" in r["error"]["desc"] or \
                        "device not found" in r["error"]["desc"] or \
                        r["error"]["class"] == "DeviceNotActive", (c, r)
            assert q.ask("query-name")["return"] == {"name": "guest"}
            q.ask("quit")
            q.close()


@case
def qmp_clients_vanish():
    """Clients that hang up in the middle of anything do no harm; the next one is greeted."""
    with tempfile.TemporaryDirectory() as d:
        path = f"{d}/qmp"
        with Program(["-qmp", f"unix:{path},server=on,wait=off"]):
            for i in range(30):
                q = Qmp(path, negotiate=i % 3 != 0)
                if i % 3 == 1:
                    q.send(b'{"execute":"query-commands"}' * 200)
                elif i % 3 == 2:
                    q.send(b'{"execute":"query-st')
                if i % 2:
                    # As a crash would: unread data makes this a reset.
                    q.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                q.close()
            q = Qmp(path)
            assert q.ask("query-status")["return"]["running"]
            q.ask("quit")
            q.close()


@case
def qmp_half_close():
    """echo ... | socat: a client that says all and closes that direction gets every answer."""
    with tempfile.TemporaryDirectory() as d:
        path = f"{d}/qmp"
        with Program(["-qmp", f"unix:{path},server=on,wait=off"]):
            q = Qmp(path)
            n = 5000
            text = b"".join(b'{"execute":"query-commands","id":%d}\n' % i for i in range(n))
            q.sock.settimeout(None)
            pid = os.fork()
            if not pid:
                q.sock.sendall(text)
                q.sock.shutdown(socket.SHUT_WR)
                os._exit(0)
            time.sleep(0.3)
            for i in range(n):
                r = q.reply()
                assert r["id"] == i and "return" in r, (i, r)
            assert q.read() is None
            os.waitpid(pid, 0)
            q.close()
            q = Qmp(path)
            q.ask("quit")
            q.close()


@case
def qmp_hostile():
    """Random bytes and random pieces of requests; then a proper client is served."""
    rng = random.Random(20240607)
    pieces = [b"{", b"}", b"[", b"]", b'"', b"'", b"\\", b",", b":", b"\n", b'"execute"',
              b'"arguments"', b'"query-status"', b'{"execute":"query-name"}', b"\xff", b"\0",
              b"null", b"-1e5", b"\\u12"]
    with tempfile.TemporaryDirectory() as d:
        path = f"{d}/qmp"
        with Program(["-qmp", f"unix:{path},server=on,wait=off"]):
            for i in range(40):
                q = Qmp(path, negotiate=bool(i % 4))
                if i % 2:
                    data = rng.randbytes(rng.randrange(1, 20000))
                else:
                    data = b"".join(rng.choices(pieces, k=3000))
                try:
                    q.send(data)
                    if i % 5 == 0:
                        q.send(b"\xff\n")
                        q.sock.shutdown(socket.SHUT_WR)
                        while q.read() is not None:
                            pass
                except (BrokenPipeError, ConnectionResetError):
                    pass
                q.close()
            q = Qmp(path)
            assert q.ask("query-status")["return"]["status"] == "running"
            q.ask("quit")
            q.close()


@case
def qmp_stdio():
    """QMP on standard input and output."""
    requests = (b'{"execute":"qmp_capabilities"}\n{"execute":"query-version"}{"execute":"stop"}\n'
                b'rubbish\n{"execute":"quit","id":"q"}')
    with Program(["-qmp", "stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as prog:
        lines = [json.loads(l) for l in prog.communicate(requests).split("\r\n") if l]
        kinds = [next(k for k in ("QMP", "return", "error", "event") if k in l) for l in lines]
        assert kinds == ["QMP", "return", "return", "event", "return", "error", "return",
                         "event"], lines


@case
def qmp_tcp_and_mon():
    """-chardev with -mon mode=control, over TCP; and a human monitor beside it."""
    with tempfile.TemporaryDirectory() as d:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        with Program(["-chardev", f"socket,id=q,host=127.0.0.1,port={port},server=on,wait=off",
                      "-mon", "chardev=q,mode=control",
                      "-monitor", f"unix:{d}/hmp,server=on,wait=off"]):
            q = Qmp(("127.0.0.1", port))
            names = {c["label"]: c["filename"] for c in q.ask("query-chardev")["return"]}
            assert names["q"].startswith(f"tcp:127.0.0.1:{port},server=on <-> "), names
            assert any(v.startswith("disconnected:unix:") for v in names.values()), names
            with socket.socket(socket.AF_UNIX) as h:
                h.settimeout(TIMEOUT)
                h.connect(f"{d}/hmp")
                text = b""
                h.sendall(b"info status\n")
                while b"VM status: running" not in text:
                    data = h.recv(4096)
                    assert data, text
                    text += data
            r = q.ask("human-monitor-command", **{"command-line": "info status"})
            assert r["return"].rstrip() == "VM status: running", r
            q.ask("quit")
            q.close()


# ---- the human monitor ----

def monitor(lines):
    with Program(["-monitor", "stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as prog:
        return prog.communicate(lines.encode())


@case
def hmp_script():
    """Commands from a pipe, as scripts give them."""
    out = monitor("info status\nxp/2xb 0x1000\nstop\ninfo status\ninfo mtree -f\nnonsense\n"
                  "help stop\nquit\n")
    for text in ("VM status: running\r\n", "0000000000001000: 0x00 0x00\r\n",
                 "VM status: paused\r\n", "ram", "unknown command: 'nonsense'", "stop"):
        assert text in out, (text, out)
    assert out.count("(qemu) ") == 8, out


@case
def hmp_end_of_input():
    """The end of standard input is not the end of the machine."""
    with Program(["-monitor", "stdio"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as prog:
        prog.p.stdout.read(1)
        time.sleep(0.3)
        assert prog.p.poll() is None
        prog.p.terminate()


@case
def stdout_vanishes():
    """A reader of standard output that goes away does not end the machine."""
    r, w = os.pipe()
    with tempfile.TemporaryDirectory() as d:
        with Program(["-monitor", "stdio", "-qmp", f"unix:{d}/qmp,server=on,wait=off"],
                     stdin=subprocess.PIPE, stdout=w) as prog:
            os.close(w)
            os.read(r, 1)
            os.close(r)
            prog.p.stdin.write(b"help\n" * 100)
            prog.p.stdin.flush()
            q = Qmp(f"{d}/qmp")
            assert q.ask("query-status")["return"]["running"]
            q.ask("quit")
            q.close()


@case
def stdout_not_nonblocking():
    """O_NONBLOCK does not leak into the open files that we share with a shell."""
    t = Terminal()
    with Program(["-monitor", "stdio"], stdin=t.slave, stdout=t.slave):
        t.expect(b"(qemu) ")
        assert os.get_blocking(t.slave)
        t.type(b"quit\r")
    assert os.get_blocking(t.slave)
    t.close()


# ---- terminals ----

NOGRAPHIC = [BARE[0], "-machine", "none", "-accel", "null", "-nographic"]


@case
def mux_keys():
    """Ctrl-A c goes to the monitor, Ctrl-A h helps, Ctrl-C does not kill, Ctrl-A x ends."""
    t = Terminal()
    # With a serial port, since otherwise the monitor is alone and has the console from the start.
    with Program([], base=[BARE[0], "-machine", "pc", "-accel", "null", "-nographic"], stdin=t.slave,
                 stdout=t.slave):
        wait_until(t.is_raw, "raw mode")
        t.type(b"\x03\x1a")
        t.type(b"\x01h")
        t.expect(b"Ctrl-A  send")
        t.type(b"\x01c")
        t.expect(b"(qemu) ")
        t.type(b"info status\r")
        t.expect(b"VM status: running")
        t.expect(b"(qemu) ")
        t.type(b"\x01x")
    assert t.settings() == t.before
    t.close()


@case
def monitor_editing():
    """Completion and history on a terminal."""
    t = Terminal()
    with Program(["-monitor", "stdio"], stdin=t.slave, stdout=t.slave):
        t.expect(b"(qemu) ")
        t.type(b"info sta\t\r")
        t.expect(b"VM status: running")
        t.expect(b"(qemu) ")
        t.type(b"\x1b[A\r")
        t.expect(b"VM status: running")
        t.expect(b"(qemu) ")
        t.type(b"quit\r")
    assert t.settings() == t.before
    t.close()


def sanitized():
    with open(os.path.join(BUILD, "build.ninja"), encoding="utf-8") as f:
        return "-fsanitize" in f.read()


@case
def terminal_after_signals():
    """However the program ends, the terminal is as it was."""
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGSEGV,
                signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT):
        t = Terminal()
        p = subprocess.Popen(NOGRAPHIC, stdin=t.slave, stdout=t.slave, stderr=subprocess.PIPE)
        RUNNING.append(p)
        wait_until(t.is_raw, "raw mode")
        p.send_signal(sig)
        p.communicate(timeout=TIMEOUT)
        assert t.settings() == t.before, sig
        if sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # By the signal itself if it came before the machine ran.
            assert p.returncode in (0, -sig), (sig, p.returncode)
        elif not sanitized():
            assert p.returncode == -sig, (sig, p.returncode)
        t.close()


@case
def terminal_after_mistake():
    """An error after the terminal became raw gives it back."""
    t = Terminal()
    r = subprocess.run(NOGRAPHIC + ["-device", "no-such-device"], stdin=t.slave, stdout=t.slave,
                       stderr=subprocess.PIPE, timeout=TIMEOUT, check=False)
    assert r.returncode == 1
    assert t.settings() == t.before
    t.close()


@case
def terminal_while_stopped():
    """Stopped, the shell has its terminal; continued, we have ours again."""
    for sig in (signal.SIGTSTP, signal.SIGSTOP):
        t = Terminal()
        p = subprocess.Popen(NOGRAPHIC, stdin=t.slave, stdout=t.slave, stderr=subprocess.DEVNULL,
                             start_new_session=True)
        RUNNING.append(p)
        wait_until(t.is_raw, "raw mode")
        raw = t.settings()
        p.send_signal(sig)
        how = os.WSTOPPED | os.WNOHANG | os.WNOWAIT
        wait_until(lambda: os.waitid(os.P_PID, p.pid, how), "the stop")
        if sig == signal.SIGTSTP:
            assert t.settings() == t.before
        else:
            attrs = termios.tcgetattr(t.slave)
            attrs[:4] = t.before    # as a shell does
            termios.tcsetattr(t.slave, termios.TCSANOW, attrs)
        p.send_signal(signal.SIGCONT)
        wait_until(t.is_raw, "raw mode again")
        assert t.settings() == raw
        t.type(b"\x01x")
        p.wait(timeout=TIMEOUT)
        assert t.settings() == t.before
        t.close()


@case
def serial_pty():
    """-serial pty names the terminal it made, and leaves it usable more than once."""
    base = [BARE[0]] + BARE[1:]
    with Program(["-monitor", "pty"], base=base, stdout=subprocess.PIPE) as prog:
        line = prog.p.stdout.readline().decode()
        assert line.startswith("char device redirected to /dev/"), line
        assert "(label compat_monitor0)" in line, line
        name = line.split()[4]
        for last in (False, True):
            fd = os.open(name, os.O_RDWR | os.O_NOCTTY)
            text = b""
            while b"(qemu) " not in text:
                text += os.read(fd, 4096)
            if last:
                os.write(fd, b"quit\r")
                break
            os.close(fd)
            time.sleep(0.6)
        wait_until(lambda: prog.p.poll() is not None, "the end")
        os.close(fd)
        prog.p.stdout.close()
        prog.err = prog.p.stderr.read()


def cleaned(fn):
    """The case, and an end to what it started."""
    def test():
        try:
            fn()
        finally:
            for p in RUNNING:
                if p.poll() is None:
                    p.kill()
                    p.wait()
            RUNNING.clear()
    return test


def main():
    return run_tap([(fn.__name__, cleaned(fn)) for fn in CASES])


if __name__ == "__main__":
    sys.exit(main())
