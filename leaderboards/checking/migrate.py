"""Rewrites the summaries of a folder of results that older versions wrote."""

from __future__ import annotations

import json
from pathlib import Path

from ehpsbench.atomic import write_text
from ehpsbench.errors import EhpsbenchError
from ehpsbench.evaluation.migrations import RESULTS_VERSION, migrated
from ehpsbench.leaderboards.checking.summary_file import strict_json
from ehpsbench.leaderboards.entry import FILE


def migrate_folder(folder: Path) -> list[Path]:
    """Bring every older summary to today's layout; rows stay as they are.

    Args:
        folder: of results. What cannot be read is left for the check to find.

    Returns:
        the files that were rewritten.
    """
    rewritten = []
    for path in sorted(folder.glob("*/*.json")):
        if path.name == FILE or path.is_symlink():
            continue
        try:
            was = strict_json(path)
            now = migrated(was, path)
        except (EhpsbenchError, ValueError, OSError):
            continue
        if was.get("results_version") in range(1, RESULTS_VERSION):
            text = json.dumps(now, indent=1, sort_keys=True, ensure_ascii=False)
            write_text(path, text + "\n")
            rewritten.append(path)
    return rewritten
