"""A user's own image files: a folder for each split, in it one a class (torchvision's layout), or a CSV of labels."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

from labelnoise.datasets.catalogue import DatasetInfo
from labelnoise.datasets.lists import Listed
from labelnoise.errors import UserError, closest
from labelnoise.files import canonical_hash

_ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".tif", ".tiff"}


def describe(folder: Path) -> dict[str, object]:
    """What a config needs to know: the splits' classes, numbers, and a hash over all file names, sizes and labels.

    A split is a folder NAME/ or a NAME.csv (columns file and label) beside it, which then decides. Raises `UserError`
    when there is no train split, or no other one to test on.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder")
    names = sorted(
        {path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")}
        | {path.stem for path in folder.glob("*.csv")}
    )
    if "train" not in names or len(names) < 2:
        raise UserError(
            f"{folder}: an image folder has train/ and test/ (one folder a class in each), or train.csv and test.csv; "
            f"here are {', '.join(names) or 'no folders'}"
        )
    rows = {name: _rows(folder, name) for name in names}
    for file in (file for found in rows.values() for file, _ in found):
        try:
            file.encode()
        except UnicodeEncodeError:
            raise UserError(f"{folder}: the file name {file!r} is not UTF-8; rename it") from None
    classes = tuple(sorted({label for _, label in rows["train"]}, key=_order))
    return {
        "fingerprint": canonical_hash(
            {
                name: [(file, label, (folder / file).stat().st_size) for file, label in found]
                for name, found in rows.items()
            }
        ),
        "classes": classes,
        "train_size": len(rows["train"]),
        "channels": 3,
        "image_size": None,
        "test_sets": tuple(name for name in names if name != "train"),
    }


def load(info: DatasetInfo, folder: Path) -> dict[str, Listed]:
    """Files and labels of every split; classes are numbered in the order of `info.classes`."""
    return {name: _listed(folder, name, info.classes) for name in ("train", *info.test_sets)}


def _listed(folder: Path, name: str, classes: tuple[str, ...]) -> Listed:
    index = {label: k for k, label in enumerate(classes)}
    rows = _rows(folder, name)
    for file, label in rows:
        if label not in index:
            near = closest(label, classes)
            hint = f"; did you mean {near}?" if near else ""
            raise UserError(f"{folder}: {file} has the class {label!r}, which train has not{hint}")
    missing = set(classes) - {label for _, label in rows}
    if missing:
        raise UserError(f"{folder / name}: no image of the class {sorted(missing)[0]!r}; every split has every class")
    return [file for file, _ in rows], [index[label] for _, label in rows]


def _order(label: str) -> tuple[bool, int, str]:
    """Numbers in their order, before names in theirs."""
    return (not label.isdecimal(), int(label) if label.isdecimal() else 0, label)


def _rows(folder: Path, name: str) -> list[tuple[str, str]]:
    """(file relative to `folder`, class) of a split."""
    table = folder / f"{name}.csv"
    if table.exists():
        return _read_table(folder, table)
    found = []
    for root, files in _walk(folder / name):
        parts = root.relative_to(folder / name).parts
        images = sorted(file for file in files if Path(file).suffix.lower() in _ENDINGS and file[0] != ".")
        if images and not parts:
            raise UserError(f"{root / images[0]} lies in no class folder; or list the images in {table.name}")
        found += [((root / file).relative_to(folder).as_posix(), parts[0]) for file in images]
    empty = [child.name for child in _children(folder / name) if child.name not in {label for _, label in found}]
    if found and empty:
        raise UserError(f"{folder / name / empty[0]}: this class folder has no images ({', '.join(sorted(_ENDINGS))})")
    if not found:
        raise UserError(f"{folder / name} has no images in class folders, and there is no {table.name} beside it")
    return found


def _children(folder: Path) -> list[Path]:
    """The folders in it that are not hidden."""
    return [path for path in folder.iterdir() if path.is_dir() and path.name[0] != "."] if folder.is_dir() else []


def _walk(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Every folder below and its files, links followed, hidden folders left out; in the order of their names."""
    inside: list[tuple[Path, list[str]]] = []
    seen: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if name[0] != "." and os.path.realpath(f"{root}/{name}") not in seen]
        seen |= {os.path.realpath(f"{root}/{name}") for name in folders}
        inside.append((Path(root), files))
    yield from sorted(inside)


def _read_table(folder: Path, table: Path) -> list[tuple[str, str]]:
    """The rows of a CSV; files are named from the split's folder or from the folder above it."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            rows, names = list(reader), reader.fieldnames or ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{table} cannot be read ({error})") from None
    if not {"file", "label"} <= set(names):
        raise UserError(f"{table}: must have the columns file and label, has {', '.join(names)}")
    found: list[tuple[str, str]] = []
    seen: set[str] = set()
    for number, row in enumerate(rows, start=2):
        name, label = (row["file"] or "").strip(), (row["label"] or "").strip()
        if not name or not label:
            raise UserError(f"{table}, line {number}: file or label is missing")
        inside = next((path for path in (f"{table.stem}/{name}", name) if _is_file(folder / path)), None)
        if inside is None or ".." in Path(name).parts or Path(name).is_absolute():
            raise UserError(f"{table}, line {number}: there is no image {name} in {folder / table.stem} or {folder}")
        if inside in seen:
            raise UserError(f"{table}, line {number}: {name} is listed twice")
        seen.add(inside)
        found.append((inside, label))
    if not found:
        raise UserError(f"{table} lists no images")
    return found


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name too long for the file system
        return False
