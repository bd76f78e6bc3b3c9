"""Download official files with progress; a broken download resumes, and only verified files get their final name."""

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
    """Return the file in `folder`, downloading it from the first address that answers if it does not exist.

    A partial download is kept in a .part file beside it, from which the next call resumes. Raises `UserError` if no
    address answers or the checksum is wrong.
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
        kept = f" {part.stat().st_size} bytes are kept; the next call resumes from there." if part.exists() else ""
        raise UserError(
            f"cannot download {official.name}:\n"
            + "\n".join(failures)
            + f"\nDownload it on a machine with a network and put "
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
    """Append the missing bytes of the file at `url` to `part`."""
    from tqdm import tqdm

    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "labelnoise", "Range": f"bytes={have}-"})
    try:
        answer = urllib.request.urlopen(request, timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            return  # the partial file is complete
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
