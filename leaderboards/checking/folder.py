"""A folder of results, such as a git repository that others send pull requests to."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

import numpy as np

from ehpsbench.errors import EhpsbenchError, InputError
from ehpsbench.evaluation.predictions import file_name
from ehpsbench.leaderboards.checking.finding import Finding
from ehpsbench.leaderboards.checking.result_files import Checked, check_result
from ehpsbench.leaderboards.entry import FILE, Entry, inherited, read_entry
from ehpsbench.store import POINTS_SUFFIX

BESIDE = ("README*", "LICENSE*", "LICENCE*", "NOTICE*", "CONTRIBUTING*", "CITATION.cff", ".git*")
"""What may lie beside the entries."""
MOST_BYTES = 50 << 20  # of one file: above it GitHub warns, above 100 MB it refuses


def check_folder(folder: Path) -> list[Finding]:
    """Everything that is wrong with a folder of results; empty where nothing is.

    Args:
        folder: `<entry>/entry.json`, `<entry>/<benchmark>.json` and `.parquet`; beside the entries
            what a repository has.

    Raises:
        InputError: there is no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is no folder; give one of results: <entry>/<benchmark>.json.")
    findings: list[Finding] = []
    entries = _entries(folder, findings)
    if not entries and not findings:
        findings.append(Finding(".", "layout", "holds no entry: <entry>/<benchmark>.json"))
    checked: list[Checked] = []
    for path in entries:
        checked += _check_entry(folder, path, findings)
    findings += _across(folder, checked)
    return sorted(set(findings))


def _entries(folder: Path, findings: list[Finding]) -> list[Path]:
    """The folders of entries; what else lies there is found."""
    found = []
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            findings.append(Finding.of(folder, path, "layout", "is a link; send files"))
        elif any(fnmatch(path.name, pattern) for pattern in BESIDE):
            continue
        elif not path.is_dir():
            findings.append(Finding.of(folder, path, "layout", "does not belong here"))
        elif (wrong := _wrong_name(path.name)) is not None:
            findings.append(Finding.of(folder, path, "name", wrong))
        else:
            found.append(path)
    return found


def _wrong_name(name: str) -> str | None:
    try:
        file_name(name)
    except InputError as error:
        return str(error)
    return None


def _check_entry(folder: Path, path: Path, findings: list[Finding]) -> list[Checked]:
    """The results of one entry that could be read."""
    files = list(_files(folder, path, findings))
    summaries = [p for p in files if p.suffix == ".json" and p.name != FILE]
    findings += _strays(folder, files, {p.stem for p in summaries})
    facts = _facts(folder, path, findings)
    if not summaries:
        findings.append(Finding.of(folder, path, "layout", "has no result"))
    found = [c for p in summaries if (c := check_result(folder, p, findings)) is not None]
    for one in found:
        body = one.summary["body_set"]
        if facts is not None and body is not None and facts.body_set != body:
            message = f"was scored with the body set {body}, {FILE} says {facts.body_set}"
            findings.append(Finding.of(folder, one.path, "body", message))
    return found


def _files(folder: Path, path: Path, findings: list[Finding]) -> Iterator[Path]:
    """The plain files of an entry's folder that are not too large."""
    for each in sorted(path.iterdir()):
        if each.is_symlink() or not each.is_file():
            findings.append(Finding.of(folder, each, "layout", "does not belong here"))
        elif (size := each.stat().st_size) > MOST_BYTES:
            message = f"has {size >> 20} MB, {MOST_BYTES >> 20} are the most"
            findings.append(Finding.of(folder, each, "size", message))
        else:
            yield each


def _strays(folder: Path, files: Sequence[Path], benchmarks: set[str]) -> Iterator[Finding]:
    """Files that are of no result."""
    for path in files:
        known = path.suffix == ".json"
        if path.suffix == ".parquet":
            known = path.name.removesuffix(POINTS_SUFFIX).removesuffix(".parquet") in benchmarks
        if not known:
            yield Finding.of(folder, path, "layout", "does not belong here")
        elif (wrong := _wrong_name(path.stem)) is not None:
            yield Finding.of(folder, path, "name", wrong)


def _facts(folder: Path, path: Path, findings: list[Finding]) -> Entry | None:
    """The entry's facts, checked against the cards."""
    file = path / FILE
    try:
        facts = read_entry(file)
    except EhpsbenchError as error:
        message = str(error).replace(f"{folder}{os.sep}", "")
        findings.append(Finding.of(folder, file, "entry", message))
        return None
    if facts.name != path.name:
        message = f"is of {facts.name!r}, its place says {path.name!r}"
        findings.append(Finding.of(folder, file, "name", message))
    if not facts.datasets and not facts.other_data:
        findings.append(Finding.of(folder, file, "entry", "does not say what trained it"))
    try:
        due = inherited(facts.datasets, facts.other_data)
    except EhpsbenchError as error:
        findings.append(Finding.of(folder, file, "dataset", str(error)))
        return facts
    if due != facts.licence:
        message = (
            f"the licence says commercial use: {facts.licence.commercial}, its datasets' cards "
            f"say: {due.commercial}; add the entry again"
        )
        findings.append(Finding.of(folder, file, "entry", message))
    return facts


def _across(folder: Path, checked: Sequence[Checked]) -> Iterator[Finding]:
    """What must be equal over all results, or over those of one benchmark."""
    bodies = Counter(c.summary["body_set"] for c in checked if c.summary["body_set"] is not None)
    yield from _unlike(folder, checked, bodies, "body_set", "body")
    for benchmark in {c.summary["benchmark"] for c in checked}:
        of_one = [c for c in checked if c.summary["benchmark"] == benchmark]
        data = Counter(c.summary["data"] for c in of_one)
        yield from _unlike(folder, of_one, data, "data", "data")
        yield from _undefined(folder, of_one)


def _unlike(
    folder: Path, checked: Sequence[Checked], counts: Counter[str], key: str, rule: str
) -> Iterator[Finding]:
    """Results whose value of a key is not that of most."""
    if len(counts) < 2:
        return
    most = max(counts.values())
    usual = [value for value, count in sorted(counts.items()) if count == most]
    words = {"body": "the body set", "data": "the state of the data"}[rule]
    for one in checked:
        value = one.summary[key]
        if value is not None and usual != [value]:
            others = " or ".join(u[:12] for u in usual if u != value)
            message = f"{words} is {value[:12]}, that of other results here is {others}"
            yield Finding.of(folder, one.path, rule, message)


def _undefined(folder: Path, checked: Sequence[Checked]) -> Iterator[Finding]:
    """Complete results of one key that leave out people whom another has a value for."""
    groups: dict[str, list[Checked]] = {}
    for one in checked:
        if one.summary["complete"] and one.defined is not None:
            groups.setdefault(one.key, []).append(one)
    for group in groups.values():
        most = max(group, key=lambda c: 0 if c.defined is None else len(c.defined))
        for one in group:
            if most.defined is None or one.defined is None:
                continue
            missing = np.setdiff1d(most.defined, one.defined)
            if len(missing):
                message = (
                    f"has no primary value for {len(missing)} people whom {most.path.parent.name} "
                    f"has one for, for example {missing[0]}"
                )
                yield Finding.of(folder, one.path, "rows", message)
