"""A user's own image files: per split, a folder with one folder per class (torchvision's layout), or a CSV."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from labelnoise.datasets import image_names
from labelnoise.datasets.info import DatasetInfo, Description, Listing
from labelnoise.errors import UserError, closest
from labelnoise.files import canonical_hash, is_file
from labelnoise.readers import annotation_files, file_names, tables, values

# (file relative to the data set's folder, class), for every image of a split.
Rows = list[tuple[str, str]]


def describe(folder: Path, splits: Sequence[str] | None = None, column: str | None = None) -> Description:
    """Describe the image folder for a config; the fingerprint is a hash of all file names, sizes and labels.

    A split is a folder NAME/ with one folder per class; a NAME.csv beside it takes precedence, whose labels are in
    `column`, if several could hold them. `splits` names the splits, which is needed if a CSV has no folder of its name
    or if there are other folders. Raises `UserError` if there is no train split, or an image is in train and in a test
    set.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder")
    names = _split_names(folder, splits)
    rows, others = _read_splits(folder, names, column)
    for file in (file for listed in rows.values() for file, _ in listed):
        try:
            file.encode()
        except UnicodeEncodeError:
            raise UserError(f"{folder}: the file name {file!r} is not UTF-8; rename it") from None
    classes = values.in_order({label for _, label in rows["train"]})
    numbered = {name: _numbered(folder, name, listed, classes) for name, listed in rows.items()}
    stats = {name: {file: (folder / file).stat() for file, _ in listed} for name, listed in rows.items()}
    _check_apart(folder, stats)
    content = {
        name: [(file, label, stats[name][file].st_size) for file, label in listed] for name, listed in rows.items()
    }
    return Description(
        fingerprint=canonical_hash(content),
        classes=classes,
        labels=np.array([label for _, label in numbered["train"]], dtype=np.int64),
        sizes={name: len(listed) for name, listed in rows.items() if name != "train"},
        files=[file for file, _ in numbered["train"]],
        stats=stats,
        others=others,
        warnings=tuple(_shared_folders(folder, names)),
    )


def load(info: DatasetInfo, folder: Path, column: str | None = None) -> Listing:
    """Read the files and labels of every split; classes are numbered in the order of `info.classes`."""
    rows, others = _read_splits(folder, ["train", *info.test_sets], column)
    pairs = {name: _numbered(folder, name, listed, info.classes) for name, listed in rows.items()}
    return Listing.of_pairs(pairs, others)


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


def _check_apart(folder: Path, stats: Mapping[str, Mapping[str, os.stat_result]]) -> None:
    """Raise `UserError` if a training image is also in a test set, under its name or as a link."""
    train = {(stat.st_dev, stat.st_ino) for stat in stats["train"].values()}
    for name, of_files in stats.items():
        if name == "train":
            continue
        for file, stat in of_files.items():
            if (stat.st_dev, stat.st_ino) in train:
                raise UserError(f"{folder}: {file} is in train and in {name}; remove it from one of them")


def _shared_folders(folder: Path, names: Sequence[str]) -> Iterator[str]:
    """Yield a sentence for each pair of class folders that are links to the same folder."""
    for name in names:
        first: dict[str, str] = {}
        for child in _children(folder / name):
            other = first.setdefault(os.path.realpath(child), child.name)
            if other != child.name:
                yield f"{folder / name}: the classes {other!r} and {child.name!r} are the same folder, by a link"


def _numbered(folder: Path, name: str, rows: Rows, classes: tuple[str, ...]) -> list[tuple[str, int]]:
    """(file, class number) of every row of a split."""
    is_distinct = len(set(map(values.plain, classes))) == len(classes)
    same: Callable[[str], str] = values.plain if is_distinct else str
    numbers = {same(label): k for k, label in enumerate(classes)}
    for file, label in rows:
        if same(label) not in numbers:
            near = closest(label, classes)
            hint = f"; did you mean {near}?" if near else ""
            raise UserError(f"{folder}: {file} has the class {label!r}, which train does not have{hint}")
    numbered = [(file, numbers[same(label)]) for file, label in rows]
    missing = set(range(len(classes))) - {number for _, number in numbered}
    if missing:
        raise UserError(
            f"{folder / name}: no image of the class {classes[min(missing)]!r}; every split needs every class: add "
            "some, or remove the class from the others"
        )
    return numbered


def _read_splits(folder: Path, names: Sequence[str], column: str | None) -> tuple[dict[str, Rows], Counter[str]]:
    """The rows of every split, and the number of files that are no images, by ending."""
    rows: dict[str, Rows] = {}
    others: Counter[str] = Counter()
    for name in names:
        table = folder / f"{name}.csv"
        if table.exists():
            rows[name] = _read_table(folder, table, column)
        else:
            rows[name], left = _walk_classes(folder, name)
            others += left
    if column is not None and not any((folder / f"{name}.csv").exists() for name in names):
        raise UserError(f"{folder}: `column` names a column of the splits' CSVs, and there are none; leave it out")
    return rows, others


def _walk_classes(folder: Path, name: str) -> tuple[Rows, Counter[str]]:
    """The rows of a split whose classes are folders, and the number of files that are no images, by ending."""
    split, others = folder / name, Counter[str]()
    loose, _ = image_names.split(path.name for path in split.iterdir() if path.is_file()) if split.is_dir() else ([], 0)
    if loose:
        raise UserError(
            f"{split / loose[0]} is not in a class folder; move it to one, or list the images in {name}.csv"
        )
    rows: Rows = []
    empty: list[tuple[Path, Counter[str]]] = []
    for child in _children(split):
        found: Counter[str] = Counter()
        before = len(rows)
        for root, files in _walk(child):
            images, left = image_names.split(files)
            rows += [((root / file).relative_to(folder).as_posix(), child.name) for file in images]
            found += left
        others += found
        if len(rows) == before:
            empty.append((child, found))
    if not rows:
        found_text = f" ({image_names.describe(others)})" if others else ""
        raise UserError(
            f"{split} has no images in class folders{found_text}, and there is no {name}.csv beside it; if it is not a "
            "split, name the splits: `splits: [train, test]`"
        )
    if empty:
        child, found = empty[0]
        found_text = f"; it has {image_names.describe(found)}" if found else ""
        raise UserError(f"{child}: this class folder has no images ({', '.join(image_names.ENDINGS)}){found_text}")
    return rows, others


def _children(folder: Path) -> list[Path]:
    """The subfolders that are not hidden, sorted by name."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not image_names.is_hidden(path.name))


def _walk(folder: Path) -> Iterator[tuple[Path, list[str]]]:
    """Yield the folder and every folder below with their files, sorted by name; follows links, skips hidden folders."""
    visited: list[tuple[Path, list[str]]] = []
    seen = {os.path.realpath(folder)}
    for root, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [
            name
            for name in folders
            if not image_names.is_hidden(name) and os.path.realpath(f"{root}/{name}") not in seen
        ]
        seen |= {os.path.realpath(f"{root}/{name}") for name in folders}
        visited.append((Path(root), files))
    yield from sorted(visited)


def _read_table(folder: Path, table: Path, column: str | None) -> Rows:
    """(file, class) of every row of a CSV; files are relative to the split's folder or the folder above it.

    Names that are no paths, as on Windows or without ending, are matched to the images in these folders.
    """
    annotated = annotation_files.read(table, column=_column_of(table, column))
    files = next((names for names in annotated.identifiers.values() if not all(map(str.isdecimal, names))), None)
    files = files or next(iter(annotated.identifiers.values()), None)
    if files is None or annotated.column is None:
        listed = ", ".join(repr(name) for name in annotated.table.columns if name is not None)
        raise UserError(f"{table}: must have the columns file and label; it has {listed or 'one without a name'}")
    rows: Rows = []
    seen: set[str] = set()
    labels = values.names(annotated.values, annotated.where, [child.name for child in _children(folder / table.stem)])
    for row, (inside, label) in enumerate(zip(_find_files(folder, table.stem, files), labels, strict=True)):
        name, place = files[row], annotated.where(row)
        if not name:
            raise UserError(f"{place}: the file name is missing")
        if inside is None:
            raise UserError(f"{place}: there is no image {name} in {folder / table.stem} or {folder}")
        if inside in seen:
            raise UserError(f"{place}: {name} is listed twice")
        seen.add(inside)
        rows.append((inside, label))
    return rows


def _column_of(table: Path, column: str | None) -> str | None:
    """The column of the config, unless this CSV lacks it, as that of a test set with one kind of labels may."""
    return column if column is not None and column in tables.read(table).columns else None


def _find_files(folder: Path, split: str, names: Sequence[str]) -> list[str | None]:
    """The file of each name, relative to `folder`; None if there is none."""
    found: list[str | None] = []
    for name in names:
        is_inside = name and ".." not in Path(name).parts and not Path(name).is_absolute()
        paths = (f"{split}/{name}", name) if is_inside else ()
        found.append(next((path for path in paths if is_file(folder / path)), None))
    if None not in found:
        return found
    root = folder / split if (folder / split).is_dir() else folder
    images = [
        (inside / file).relative_to(folder).as_posix()
        for inside, files in _walk(root)
        for file in image_names.split(files)[0]
    ]
    matched = {int(row): file for row, file in zip(file_names.rows_of_files(names, images), images, strict=True)}
    return [path or matched.get(row) for row, path in enumerate(found)]
