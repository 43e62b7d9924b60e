#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes the C blocks of a Markdown file into files, in order: extract.py DOC OUT1 OUT2 ..."""

import re
import sys

blocks = re.findall(r"^```c\n(.*?)^```$", open(sys.argv[1], encoding="utf-8").read(), re.M | re.S)
outs = sys.argv[2:]
if len(blocks) != len(outs):
    sys.exit(f"{sys.argv[1]}: {len(blocks)} C blocks, {len(outs)} expected")
for text, out in zip(blocks, outs):
    with open(out, "w", encoding="utf-8") as f:
        f.write(text)
