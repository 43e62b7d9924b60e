# SPDX-License-Identifier: GPL-2.0-or-later
"""The debugger's side of gdb's remote serial protocol, for tests that look at single packets."""
import re
import socket
import time


class RspError(Exception):
    pass


def escape(data):
    return b"".join(bytes([0x7d, c ^ 0x20]) if c in b"#$}*" else bytes([c]) for c in data)


def framed(data):
    data = escape(data)
    return b"$" + data + b"#%02x" % (sum(data) & 0xff)


class Rsp:
    def __init__(self, path, timeout=20):
        self.timeout, self.buf, self.acks = timeout, b"", True
        end = time.monotonic() + timeout
        while True:
            self.s = socket.socket(socket.AF_UNIX)
            try:
                self.s.connect(path)
                break
            except OSError:
                self.s.close()
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
        self.s.settimeout(timeout)

    def close(self):
        self.s.close()

    def raw(self, data):
        self.s.sendall(data)

    def byte(self):
        if not self.buf:
            self.buf = self.s.recv(65536)
            if not self.buf:
                raise RspError("the connection is gone")
        c, self.buf = self.buf[:1], self.buf[1:]
        return c

    def reply(self):
        """The next packet's data; acknowledgements before it are passed over."""
        while (c := self.byte()) != b"$":
            if c not in b"+-":
                raise RspError(f"{c} outside of a packet")
        data = b""
        while (c := self.byte()) != b"#":
            data += c
        want = int(self.byte() + self.byte(), 16)
        if sum(data) & 0xff != want:
            raise RspError(f"bad checksum of {data}")
        if self.acks:
            try:
                self.raw(b"+")
            except BrokenPipeError:
                pass  # those were its last words
        return re.sub(rb"\x7d(.)", lambda m: bytes([m.group(1)[0] ^ 0x20]), data, flags=re.S)

    def send(self, data):
        self.raw(framed(data.encode() if isinstance(data, str) else data))

    def cmd(self, data):
        self.send(data)
        return self.reply().decode("latin1")

    def ok(self, data):
        r = self.cmd(data)
        if r != "OK":
            raise RspError(f"{data}: {r}")

    def quiet(self, seconds):
        """Nothing but acknowledgements comes in this time."""
        self.s.settimeout(seconds)
        try:
            while (c := self.byte()) in b"+-":
                pass
            raise RspError(f"unexpected {c + self.buf}")
        except TimeoutError:
            pass
        finally:
            self.s.settimeout(self.timeout)

    def read(self, addr, n):
        r = self.cmd(f"m{addr:x},{n:x}")
        return None if r.startswith("E") else bytes.fromhex(r)

    def reg(self, n):
        return int.from_bytes(bytes.fromhex(self.cmd(f"p{n:x}")), "little")

    def go(self, how="c"):
        """Lets it run; why it stopped."""
        return self.cmd(how)

    def interrupt(self):
        self.raw(b"\x03")
        return self.reply().decode()

    def description(self):
        text, at = b"", 0
        while True:
            self.send(f"qXfer:features:read:target.xml:{at:x},7f0")
            r = self.reply()
            text += r[1:]
            at += len(r) - 1
            if r[:1] == b"l":
                return text.decode()

    def monitor(self, line):
        self.send("qRcmd," + line.encode().hex())
        out = b""
        while (r := self.reply()) != b"OK":
            if r[:1] != b"O":
                raise RspError(f"monitor {line}: {r}")
            out += bytes.fromhex(r[1:].decode())
        return out.decode()
