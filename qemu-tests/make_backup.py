#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a WindowsImageBackup tree for tests, and source.json that says what a restore must
bring back. See README.md beside this file."""

import argparse
import json
import os
import shutil
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from generator.backup import Builder, Wishes  # noqa: E402  (found by the line above)
from generator.damaged import make_huge, make_sets  # noqa: E402
from generator.tools import ToolError  # noqa: E402


def parse(arguments):
    usual = Wishes()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", metavar="OUT", help="folder to make; must not exist")
    parser.add_argument("--layout", choices=("uefi-gpt", "bios-mbr"), default=usual.layout)
    parser.add_argument("--variant", choices=("win10", "server2019"), default=usual.variant,
                        help="where the recovery partition of a GPT disk lies: at the end, first")
    parser.add_argument("--image", choices=("vhd", "vhdx"), default=usual.image,
                        help="usually vhdx for uefi-gpt and vhd for bios-mbr")
    parser.add_argument("--sector-size", type=int, choices=(512, 4096), default=512)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--profile", choices=("small", "large"), default=usual.profile)
    parser.add_argument("--machine", default=usual.machine)
    parser.add_argument("--bootmgr", metavar="FILE", default=usual.bootmgr,
                        help="EFI program to put in the place of bootmgfw.efi")
    parser.add_argument("--fallback", action=argparse.BooleanOptionalAction, default=False,
                        help="with \\EFI\\Boot\\bootx64.efi (usually a restore must add it)")
    parser.add_argument("--asrsif-spelling", type=int, choices=(0, 1, 2, 3),
                        default=usual.asrsif_spelling,
                        help="which invented spelling of GPT disks; 0: no AsrSif at all")
    parser.add_argument("--msr-mib", type=int, choices=(16, 32, 128), default=usual.msr_mib)
    parser.add_argument("--block-mib", type=int, default=usual.block_mib,
                        help="block size of VHDX images: a power of two, 1 to 256")
    parser.add_argument("--dirty-log", action="store_true", help="VHDX logs wait for replay")
    parser.add_argument("--fixed", action="store_true", help="fixed instead of dynamic images")
    parser.add_argument("--partial", action="store_true", help="a system state backup")
    parser.add_argument("--no-xml", action="store_true", help="loose images only")
    parser.add_argument("--stale", action="store_true", help="old data in free clusters")
    parser.add_argument("--hive-logs", choices=("none", "old", "new", "lost"), default=usual.hive_logs,
                        help="a SYSTEM hive that was not written to its end, and its logs")
    parser.add_argument("--data-tib", type=int, default=usual.data_tib, metavar="N",
                        help="with a volume whose image claims N TiB (64 at most) and holds no "
                        "file system; OUT must be on a tmpfs")
    parser.add_argument("--nested", metavar="A/B/C", default=usual.nested)
    parser.add_argument("--renamed", action="store_true", help="all folders have other names")
    parser.add_argument("--damaged", action="store_true",
                        help="no backup: sets of damaged and of odd but valid images")
    parser.add_argument("--huge", action="store_true",
                        help="no backup: OUT is a VHDX file that claims 64 TiB, OUT.json says "
                        "what is in it")
    options = parser.parse_args(arguments)
    if options.layout == "bios-mbr" and options.sector_size != 512:
        parser.error("--sector-size 4096 needs --layout uefi-gpt")
    if options.image == "vhd" and (options.sector_size != 512 or options.dirty_log):
        parser.error("--image vhd has sectors of 512 bytes and no log")
    return options


def main(arguments=None) -> int:
    options = vars(parse(arguments))
    out = options.pop("out")
    special = {name: options.pop(name) for name in ("damaged", "huge")}
    if os.path.exists(out):
        print(f"make_backup: '{out}' exists already", file=sys.stderr)
        return 2
    started = time.monotonic()
    print(f"seed {options['seed']}")
    try:
        if special["damaged"]:
            print(f"'{out}': %d damaged and %d odd but valid images"
                  % make_sets(out, options["seed"]))
            return 0
        if special["huge"]:
            facts = make_huge(out, options["seed"])
            with open(out + ".json", "w", encoding="utf-8") as file:
                json.dump(facts, file, indent=1)
            return 0
        facts = Builder(out, Wishes(**options)).build()
    except (ToolError, OSError) as error:
        print(f"make_backup: {error}", file=sys.stderr)
        shutil.rmtree(out, ignore_errors=True)
        return 1
    files = sum(len(p.get("files", ())) for p in facts["partitions"])
    print(f"'{out}': {facts['set']}, {files} files, {time.monotonic() - started:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
