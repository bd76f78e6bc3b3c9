"""A user's own image files: per split, a folder with one folder per class (torchvision's layout), or a CSV."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from labelnoise.datasets.info import DatasetInfo, Description, Listing
from labelnoise.errors import UserError, closest
from labelnoise.files import canonical_hash, is_file
from labelnoise.readers import annotation_files, values

_ENDINGS = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".ppm", ".tif", ".tiff"}


def describe(folder: Path, splits: Sequence[str] | None = None) -> Description:
    """Describe the image folder for a config; the fingerprint is a hash of all file names, sizes and labels.

    A split is a folder NAME/ with one folder per class; a NAME.csv beside it takes precedence. `splits` names the
    splits, which is needed if a CSV has no folder of its name or if there are other folders. Raises `UserError` if
    there is no train split, or an image is in train and in a test set.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder")
    names = _split_names(folder, splits)
    rows = {name: _rows(folder, name) for name in names}
    for file in (file for listed in rows.values() for file, _ in listed):
        try:
            file.encode()
        except UnicodeEncodeError:
            raise UserError(f"{folder}: the file name {file!r} is not UTF-8; rename it") from None
    classes = values.in_order({label for _, label in rows["train"]})
    numbered = {name: _numbered(folder, name, listed, classes) for name, listed in rows.items()}
    stats = {name: [(folder / file).stat() for file, _ in listed] for name, listed in rows.items()}
    _check_apart(folder, rows, stats)
    content = {
        name: [(file, label, stat.st_size) for (file, label), stat in zip(listed, stats[name], strict=True)]
        for name, listed in rows.items()
    }
    return Description(
        fingerprint=canonical_hash(content),
        classes=classes,
        labels=np.array([label for _, label in numbered["train"]], dtype=np.int64),
        sizes={name: len(listed) for name, listed in rows.items() if name != "train"},
        files=[file for file, _ in numbered["train"]],
    )


def load(info: DatasetInfo, folder: Path) -> Listing:
    """Read the files and labels of every split; classes are numbered in the order of `info.classes`."""
    splits = ("train", *info.test_sets)
    return Listing.of_pairs({name: _numbered(folder, name, _rows(folder, name), info.classes) for name in splits})


def _split_names(folder: Path, splits: Sequence[str] | None) -> list[str]:
    names = sorted(path.name for path in _children(folder)) if splits is None else list(splits)
    beside = sorted(path.name for path in folder.glob("*.csv") if path.name[0] != ".")
    # A CSV beside train/ alone could be a test set or anything.
    if "train" in names and (len(names) > 1 or splits is not None or not {*beside} - {"train.csv"}):
        return sorted(names)
    tables = ", ".join(beside)
    hint = f" and {tables}; a CSV is read if a folder has its name or `splits: [train, test]` lists it"
    raise UserError(
        f"{folder}: an image folder needs train/ (and test/, if there is one), with one folder per class in each; "
        f"found {', '.join(names) or 'no folders'}{hint if tables else ''}"
    )


def _check_apart(folder: Path, rows: dict[str, list[tuple[str, str]]], stats: dict[str, list[os.stat_result]]) -> None:
    """Raise `UserError` if a training image is also in a test set, under its name or as a link."""
    train = {(stat.st_dev, stat.st_ino) for stat in stats["train"]}
    for name, listed in rows.items():
        if name == "train":
            continue
        for (file, _), stat in zip(listed, stats[name], strict=True):
            if (stat.st_dev, stat.st_ino) in train:
                raise UserError(f"{folder}: {file} is in train and in {name}; remove it from one of them")


def _numbered(folder: Path, name: str, rows: list[tuple[str, str]], classes: tuple[str, ...]) -> list[tuple[str, int]]:
    """(file, class number) of every row of a split."""
    numbers = {label: k for k, label in enumerate(classes)}
    for file, label in rows:
        if label not in numbers:
            near = closest(label, classes)
            hint = f"; did you mean {near}?" if near else ""
            raise UserError(f"{folder}: {file} has the class {label!r}, which train does not have{hint}")
    missing = set(classes) - {label for _, label in rows}
    if missing:
        raise UserError(f"{folder / name}: no image of the class {min(missing)!r}; every split needs every class")
    return [(file, numbers[label]) for file, label in rows]


def _rows(folder: Path, name: str) -> list[tuple[str, str]]:
    """(file relative to `folder`, class) of a split."""
    table = folder / f"{name}.csv"
    if table.exists():
        return _read_table(folder, table)
    listed = []
    for root, files in _walk(folder / name):
        parts = root.relative_to(folder / name).parts
        images = sorted(file for file in files if Path(file).suffix.lower() in _ENDINGS and file[0] != ".")
        if images and not parts:
            raise UserError(
                f"{root / images[0]} is not in a class folder; move it to one, or list the images in {table.name}"
            )
        listed += [((root / file).relative_to(folder).as_posix(), parts[0]) for file in images]
    empty = [child.name for child in _children(folder / name) if child.name not in {label for _, label in listed}]
    if listed and empty:
        raise UserError(f"{folder / name / empty[0]}: this class folder has no images ({', '.join(sorted(_ENDINGS))})")
    if not listed:
        raise UserError(
            f"{folder / name} has no images in class folders, and there is no {table.name} beside it; if it is not a "
            "split, name the splits: `splits: [train, test]`"
        )
    return listed


def _is_hidden(name: str) -> bool:
    """Whether the name is hidden or left by macOS in archives (._name, __MACOSX)."""
    return name[0] == "." or name == "__MACOSX"


def _children(folder: Path) -> list[Path]:
    """The subfolders that are not hidden."""
    return [path for path in folder.iterdir() if path.is_dir() and not _is_hidden(path.name)] if folder.is_dir() else []


def _walk(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield every folder below and its files, sorted by name; follows links and skips hidden folders."""
    visited: list[tuple[Path, list[str]]] = []
    seen: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [
            name for name in folders if not _is_hidden(name) and os.path.realpath(f"{root}/{name}") not in seen
        ]
        seen |= {os.path.realpath(f"{root}/{name}") for name in folders}
        visited.append((Path(root), files))
    yield from sorted(visited)


def _read_table(folder: Path, table: Path) -> list[tuple[str, str]]:
    """(file, class) of every row of a CSV; files are relative to the split's folder or the folder above it."""
    annotated = annotation_files.read(table)
    files = next((column for column in annotated.identifiers.values() if not all(map(str.isdecimal, column))), None)
    if files is None or annotated.column is None:
        listed = ", ".join(repr(name) for name in annotated.table.columns if name is not None)
        raise UserError(f"{table}: must have the columns file and label; it has {listed or 'one without a name'}")
    rows: list[tuple[str, str]] = []
    seen: set[str] = set()
    for row, (name, label) in enumerate(zip(files, values.names(annotated.values, annotated.where), strict=True)):
        place = annotated.where(row)
        if not name:
            raise UserError(f"{place}: the file name is missing")
        inside = next((path for path in (f"{table.stem}/{name}", name) if is_file(folder / path)), None)
        if inside is None or ".." in Path(name).parts or Path(name).is_absolute():
            raise UserError(f"{place}: there is no image {name} in {folder / table.stem} or {folder}")
        if inside in seen:
            raise UserError(f"{place}: {name} is listed twice")
        seen.add(inside)
        rows.append((inside, label))
    return rows
