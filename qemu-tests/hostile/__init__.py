# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged backups: tables of cases, each one rule broken in an otherwise good backup, and the
bench that judges them by the real program (test_hostile.py)."""
