"""Fetch the JavaScript libraries of the report from the npm registry, checked by hash: `make vendor` (needs npm).

Versions and hashes are those of src/labelnoise/report/vendor/VENDORED.json. For a new version, write it there with the
integrity that `npm view NAME@VERSION dist.integrity` prints.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

VENDOR = Path(__file__).parents[1] / "src" / "labelnoise" / "report" / "vendor"


def main() -> None:
    lock = VENDOR / "VENDORED.json"
    packages = json.loads(lock.read_text())
    for name, package in packages.items():
        with tempfile.TemporaryDirectory() as folder:
            command = ["npm", "pack", "--silent", f"{name}@{package['version']}"]
            archive = Path(folder) / subprocess.check_output(command, cwd=folder, text=True).strip()
            integrity = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
            if integrity != package["integrity"]:
                sys.exit(f"{name} {package['version']} has the hash {integrity}, expected {package['integrity']}")
            with tarfile.open(archive) as tar:
                content = tar.extractfile(f"package/{package['file']}").read()
                license_text = tar.extractfile("package/LICENSE").read()
        (VENDOR / Path(package["file"]).name).write_bytes(content)
        (VENDOR / f"LICENSE-{name.rpartition('/')[2]}").write_bytes(license_text)
        package["sha256"] = hashlib.sha256(content).hexdigest()
        print(f"{name} {package['version']}: {len(content):,} bytes")
    lock.write_text(json.dumps(packages, indent=1) + "\n")


if __name__ == "__main__":
    main()
