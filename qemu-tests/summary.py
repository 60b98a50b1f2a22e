# SPDX-License-Identifier: GPL-3.0-or-later
"""What is counted for the table at the end of `make check` and `make soak` (.ci/summary)."""

import os


def add(name: str, count: int, failures: int) -> None:
    """One line of the file that SUMMARY names; without SUMMARY nothing. Lines of one name are
    added up."""
    path = os.environ.get("SUMMARY")
    if path:
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{name} {count} {failures}\n")
