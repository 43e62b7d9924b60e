# SPDX-License-Identifier: GPL-2.0-or-later
"""Flattened device trees (Devicetree Specification 0.4, chapter 5)."""
import struct

BEGIN_NODE, END_NODE, PROP, NOP, END = 1, 2, 3, 4, 9


def properties(blob):
    """{"/path": {name: bytes}} of all nodes of a tree."""
    magic, _, struct_at, strings_at = struct.unpack_from(">4I", blob)
    if magic != 0xd00dfeed:
        raise ValueError("no device tree")
    at, path, nodes = struct_at, [], {}
    while True:
        token, = struct.unpack_from(">I", blob, at)
        at += 4
        if token == BEGIN_NODE:
            end = blob.index(b"\0", at)
            path.append(blob[at:end].decode())
            nodes["/".join(path) or "/"] = {}
            at = (end + 4) & ~3
        elif token == END_NODE:
            path.pop()
        elif token == PROP:
            size, name = struct.unpack_from(">2I", blob, at)
            name_end = blob.index(b"\0", strings_at + name)
            nodes["/".join(path) or "/"][blob[strings_at + name:name_end].decode()] = blob[at + 8:at + 8 + size]
            at = (at + 8 + size + 3) & ~3
        elif token == END:
            return nodes
        elif token != NOP:
            raise ValueError(f"token {token} in the tree")
