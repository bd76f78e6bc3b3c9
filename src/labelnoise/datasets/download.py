"""Downloading official files: with progress, resumed after a break, under their final name only when verified."""

from __future__ import annotations

import http.client
import sys
import urllib.error
import urllib.request
from pathlib import Path

from labelnoise.datasets.info import OfficialFile
from labelnoise.datasets.official_files import address_of, verify
from labelnoise.errors import UserError

_CHUNK = 1 << 20
_TIMEOUT = 30  # seconds without a byte


def fetch(official: OfficialFile, folder: Path) -> Path:
    """The file in `folder`: there already, or downloaded from the first address that answers.

    What has arrived is kept in a .part file beside it, from which the next call resumes. Raises `UserError` when no
    address answers or the bytes are not the official ones.
    """
    path, address = folder / official.name, address_of(official)
    if path.is_file():
        verify(path, address)
        return path
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{official.name}.part"
    failures = []
    for url in address.urls:
        try:
            _append(url, part)
            break
        except (OSError, urllib.error.URLError, http.client.HTTPException) as error:
            failures.append(f"  {url}: {getattr(error, 'reason', None) or error}")
    else:
        kept = f" {part.stat().st_size} bytes are kept, and the next call resumes from there." if part.exists() else ""
        raise UserError(
            f"cannot download {official.name}:\n"
            + "\n".join(failures)
            + f"\nGet it on a machine with a network and put "
            f"it at {path} ({address.checksum[0]} {address.checksum[1]}), or run again.{kept}"
        )
    try:
        verify(part, address)
    except UserError:
        part.unlink()
        raise
    part.replace(path)
    return path


def _append(url: str, part: Path) -> None:
    """Add to `part` what it lacks of the file at `url`."""
    from tqdm import tqdm

    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "labelnoise", "Range": f"bytes={have}-"})
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return  # it was complete
        raise
    with answer:
        if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
            have = 0  # the server sends the whole file
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else None
        with (
            part.open("ab" if have else "wb") as file,
            tqdm(
                total=total, initial=have, unit="B", unit_scale=True, desc=part.name, file=sys.stderr, ascii=True
            ) as bar,
        ):
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    if total is not None and part.stat().st_size < total:
        raise ConnectionError(f"the connection broke after {part.stat().st_size} of {total} bytes")
