"""Downloads resume after a break, are verified before they get their final name, and fail clearly without a network."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from labelnoise.datasets.catalogue import DATASETS
from labelnoise.datasets.download import fetch
from labelnoise.datasets.info import Address, OfficialFile
from labelnoise.datasets.official_files import address_of, all_files, file_called
from labelnoise.errors import UserError

CONTENT = bytes(range(256)) * 4000


class Server(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT; /breaks stops half-way once, /whole ignores ranges, /other sends other bytes."""

    requests: list[tuple[str, str | None]]
    has_broken: bool

    def do_GET(self) -> None:
        byte_range = self.headers.get("Range")
        type(self).requests.append((self.path, byte_range))
        start = int(byte_range.removeprefix("bytes=").rstrip("-")) if byte_range and self.path != "/whole" else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        content = b"x" * len(CONTENT) if self.path == "/other" else CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.path == "/breaks" and not self.has_broken:
            type(self).has_broken = True
            self.wfile.write(content[: len(content) // 2])
            self.wfile.flush()
            self.connection.close()
            return
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def address() -> Iterator[str]:
    Server.requests, Server.has_broken = [], False
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


CHECKSUM = hashlib.sha256(CONTENT).hexdigest()


def official_file(*urls: str) -> OfficialFile:
    return OfficialFile("data.gz", lambda: Address(urls, ("sha256", CHECKSUM)))


def test_file_is_downloaded_and_verified_once(tmp_path: Path, address: str):
    path = fetch(official_file(f"{address}/file"), tmp_path / "new")
    assert path.read_bytes() == CONTENT
    assert [file.name for file in path.parent.iterdir()] == ["data.gz"]
    fetch(official_file(f"{address}/file"), tmp_path / "new")
    assert len(Server.requests) == 1


def test_broken_download_resumes(tmp_path: Path, address: str):
    with pytest.raises(UserError, match=r"the connection broke after \d+ of 1024000 bytes|are kept") as caught:
        fetch(official_file(f"{address}/breaks"), tmp_path)
    assert not (tmp_path / "data.gz").exists()
    kept = (tmp_path / ".data.gz.part").stat().st_size
    assert 0 < kept < len(CONTENT)
    assert f"{kept} bytes are kept" in str(caught.value)
    assert fetch(official_file(f"{address}/breaks"), tmp_path).read_bytes() == CONTENT
    assert Server.requests[-1] == ("/breaks", f"bytes={kept}-")


def test_server_without_ranges_is_read_from_the_start(tmp_path: Path, address: str):
    (tmp_path / ".data.gz.part").write_bytes(CONTENT[:1000])
    assert fetch(official_file(f"{address}/whole"), tmp_path).read_bytes() == CONTENT


def test_complete_part_is_only_verified(tmp_path: Path, address: str):
    (tmp_path / ".data.gz.part").write_bytes(CONTENT)
    assert fetch(official_file(f"{address}/file"), tmp_path).read_bytes() == CONTENT


def test_wrong_bytes_never_get_the_final_name(tmp_path: Path, address: str):
    with pytest.raises(UserError, match="is not the official file"):
        fetch(official_file(f"{address}/other"), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_next_address_is_tried(tmp_path: Path, address: str):
    assert fetch(official_file("http://127.0.0.1:1/file", f"{address}/file"), tmp_path).read_bytes() == CONTENT


def test_without_a_network_the_message_names_file_address_and_place(tmp_path: Path):
    with pytest.raises(UserError) as caught:
        fetch(official_file("http://127.0.0.1:1/file"), tmp_path)
    message = str(caught.value)
    assert "cannot download data.gz" in message
    assert "http://127.0.0.1:1/file" in message
    assert str(tmp_path / "data.gz") in message
    assert CHECKSUM in message


@pytest.mark.parametrize("dataset", [name for name, info in DATASETS.items() if info.official_files])
def test_every_official_file_has_an_address_and_a_checksum(dataset: str):
    for name, file in all_files(DATASETS[dataset]).items():
        address = address_of(file)
        assert all(url.startswith("http") and url.endswith(name) for url in address.urls)
        assert len(address.checksum[1]) == {"md5": 32, "sha256": 64}[address.checksum[0]]


def test_unknown_official_file_is_refused():
    with pytest.raises(UserError, match=r"unknown file of cifar10 'cifar-100-python\.tar\.gz'"):
        file_called(DATASETS["cifar10"], "cifar-100-python.tar.gz")
