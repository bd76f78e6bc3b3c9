"""How often one run of Snakemake has begun a trial that then got no further, so that it is not begun for ever."""

from __future__ import annotations

import json
from pathlib import Path

from labelnoise.files import write_json

LIMIT = 3


def may_begin(folder: Path, attempt: int) -> bool:
    """Note that the trial in `folder` is begun; False when that has been in vain `LIMIT` times in a row.

    `attempt` counts from 1 within one run of Snakemake, whose first attempt forgives all earlier ones. In vain is an
    attempt that left the checkpoint as it found it.
    """
    checkpoint, record = folder / "checkpoint.pt", folder / ".attempts.json"
    now = checkpoint.stat().st_mtime_ns if checkpoint.exists() else None
    in_vain = 0
    if attempt > 1:
        try:
            noted = json.loads(record.read_bytes())
            in_vain = noted["in_vain"] + 1 if noted["checkpoint"] == now else 0
        except (OSError, ValueError, KeyError, TypeError):
            pass  # never noted, or damaged: counted from here
    if in_vain >= LIMIT:
        return False
    write_json(record, {"checkpoint": now, "in_vain": in_vain})
    return True
