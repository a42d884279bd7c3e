#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""layout_rows.py BPFTOOL OBJECT...: every shared struct (edgefw_*) of the BPF objects as rows for layout_test.cpp, which
compares them with what the C++ compiler makes of the same headers. A struct or a member that is added is among them."""
import json
import subprocess
import sys


def types_of(bpftool, path):
    dump = subprocess.run([bpftool, "-j", "btf", "dump", "file", path], check=True, capture_output=True).stdout
    return {entry["id"]: entry for entry in json.loads(dump)["types"]}


def size_of(types, number):
    entry = types[number]
    if entry["kind"] == "ARRAY":
        return entry["nr_elems"] * size_of(types, entry["type_id"])
    if entry["kind"] in ("TYPEDEF", "CONST", "VOLATILE"):
        return size_of(types, entry["type_id"])
    return entry["size"]


def rows_of(types):
    for entry in types.values():
        name = entry.get("name", "")
        if entry["kind"] != "STRUCT" or not name.startswith("edgefw_"):
            continue
        yield name, f'STRUCT({name}, {entry["size"]})'
        for member in entry["members"]:
            place = f'{member["bits_offset"] // 8}, {size_of(types, member["type_id"])}'
            yield name, f'MEMBER({name}, {member["name"]}, {place})'


rows = {}
for path in sys.argv[2:]:
    found = {}
    for name, row in rows_of(types_of(sys.argv[1], path)):
        found.setdefault(name, []).append(row)
    for name, lines in found.items():
        if rows.setdefault(name, lines) != lines:
            sys.exit(f"{name} differs between the objects")
print("// Made by layout_rows.py from the BTF of the data path.")
for name in sorted(rows):
    print("\n".join(rows[name]))
