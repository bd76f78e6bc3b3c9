"""CIFAR-10 and CIFAR-100: pickles in a .tar.gz, which is read without extracting it."""

from __future__ import annotations

import tarfile
import zlib
from functools import partial
from pathlib import Path

import numpy as np

from labelnoise.datasets import official_files
from labelnoise.datasets.info import Address, Arrays, DatasetInfo, HumanLabels, Map, OfficialFile
from labelnoise.datasets.pickles import numpy_pickle
from labelnoise.datasets.recipes import papers_recipe
from labelnoise.errors import UserError

_BATCHES = {
    "cifar10": {
        "train": [f"cifar-10-batches-py/data_batch_{number}" for number in range(1, 6)],
        "test": ["cifar-10-batches-py/test_batch"],
    },
    "cifar100": {"train": ["cifar-100-python/train"], "test": ["cifar-100-python/test"]},
}


def load(info: DatasetInfo, folder: Path) -> Arrays:
    """Read images uint8 `(N, 3, 32, 32)` and labels int64 `(N,)` for train and test, in the official order."""
    path = official_files.find(info, info.official_files[0], folder)
    images, labels = {}, {}
    try:
        with tarfile.open(path) as archive:
            for split, members in _BATCHES[info.name].items():
                batches = [_batch(archive, member, path) for member in members]
                images[split] = np.concatenate([images for images, _ in batches])
                labels[split] = np.concatenate([labels for _, labels in batches])
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise UserError(f"{path} is damaged ({error}); delete it and download it again") from None
    return Arrays(images, labels)


def _batch(archive: tarfile.TarFile, member: str, path: Path) -> tuple[np.ndarray, np.ndarray]:
    try:
        content = archive.extractfile(member)
    except KeyError:
        content = None
    if content is None:
        raise UserError(f"{path} has no file {member}; delete it and download it again")
    batch = numpy_pickle(content.read(), f"{path}, {member}")
    labels = batch.get("labels", batch.get("fine_labels")) if isinstance(batch, dict) else None
    images = batch.get("data") if isinstance(batch, dict) else None
    if labels is None or not isinstance(images, np.ndarray) or images.shape != (len(labels), 3072):
        raise UserError(
            f"{path}, {member}: must hold as many labels as images of 3,072 bytes; download the archive again"
        )
    return images.reshape(-1, 3, 32, 32), np.asarray(labels, dtype=np.int64)


def _address(cls: str) -> Address:
    """The address and checksum from torchvision's class of this name."""
    from torchvision import datasets

    cifar = getattr(datasets, cls)
    return Address((cifar.url,), ("md5", cifar.tgz_md5))


def _human_file(name: str, sha256: str) -> OfficialFile:
    url = f"https://github.com/UCSC-REAL/cifar-10-100n/raw/main/data/{name}"
    return OfficialFile(name, lambda: Address((url,), ("sha256", sha256)))


_CIFAR10N = _human_file("CIFAR-10_human.pt", "873e69c39cb9b5e97fb6bae2d60bb59b38a5cbc31d2b868f7903dcb2b9dd2310")
_CIFAR100N = _human_file("CIFAR-100_human.pt", "bd2d80409754d420292d622e15e25248ba21e37d27429efac49c8da723f44394")

CIFAR10 = DatasetInfo(
    name="cifar10",
    title="ten classes of objects, 32 × 32",
    source="CIFAR-10 (Krizhevsky 2009); human labels CIFAR-10N (Wei et al., ICLR 2022)",
    license="not stated; CIFAR-10N CC BY-NC 4.0",
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    load=load,
    train_size=50_000,
    image_size=32,
    # truck→automobile, bird→airplane, cat↔dog, deer→horse, in the order of the published code.
    asymmetric_maps={"published": ((9, 1), (2, 0), (3, 5), (5, 3), (4, 7))},
    human={
        "aggre": HumanLabels(_CIFAR10N, "aggre_label"),
        "random1": HumanLabels(_CIFAR10N, "random_label1"),
        "random2": HumanLabels(_CIFAR10N, "random_label2"),
        "random3": HumanLabels(_CIFAR10N, "random_label3"),
        "worst": HumanLabels(_CIFAR10N, "worse_label"),
    },
    official_files=(OfficialFile("cifar-10-python.tar.gz", partial(_address, "CIFAR10")),),
    recipe=papers_recipe(
        model="cnn8",
        epochs=120,
        lr=0.01,
        weight_decay=1e-4,
        mean=[0.49139968, 0.48215827, 0.44653124],
        std=[0.24703233, 0.24348505, 0.26158768],
        augmentation=["crop4", "flip"],
    ),
)

# CIFAR-100's superclasses, each with its five classes (Krizhevsky 2009).
CIFAR100_SUPERCLASSES = {
    "aquatic mammals": ("beaver", "dolphin", "otter", "seal", "whale"),
    "fish": ("aquarium_fish", "flatfish", "ray", "shark", "trout"),
    "flowers": ("orchid", "poppy", "rose", "sunflower", "tulip"),
    "food containers": ("bottle", "bowl", "can", "cup", "plate"),
    "fruit and vegetables": ("apple", "mushroom", "orange", "pear", "sweet_pepper"),
    "household electrical devices": ("clock", "keyboard", "lamp", "telephone", "television"),
    "household furniture": ("bed", "chair", "couch", "table", "wardrobe"),
    "insects": ("bee", "beetle", "butterfly", "caterpillar", "cockroach"),
    "large carnivores": ("bear", "leopard", "lion", "tiger", "wolf"),
    "large man-made outdoor things": ("bridge", "castle", "house", "road", "skyscraper"),
    "large natural outdoor scenes": ("cloud", "forest", "mountain", "plain", "sea"),
    "large omnivores and herbivores": ("camel", "cattle", "chimpanzee", "elephant", "kangaroo"),
    "medium-sized mammals": ("fox", "porcupine", "possum", "raccoon", "skunk"),
    "non-insect invertebrates": ("crab", "lobster", "snail", "spider", "worm"),
    "people": ("baby", "boy", "girl", "man", "woman"),
    "reptiles": ("crocodile", "dinosaur", "lizard", "snake", "turtle"),
    "small mammals": ("hamster", "mouse", "rabbit", "shrew", "squirrel"),
    "trees": ("maple_tree", "oak_tree", "palm_tree", "pine_tree", "willow_tree"),
    "vehicles 1": ("bicycle", "bus", "motorcycle", "pickup_truck", "train"),
    "vehicles 2": ("lawn_mower", "rocket", "streetcar", "tank", "tractor"),
}

_CIFAR100_CLASSES = tuple(sorted(name for names in CIFAR100_SUPERCLASSES.values() for name in names))


def _circular(groups: list[list[int]]) -> Map:
    """Map each class to the next of its group and the last to the first; sorted by class."""
    return tuple(sorted((k, group[(i + 1) % len(group)]) for group in groups for i, k in enumerate(group)))


# Within the true superclass, as in the papers.
_SUPERCLASS_MAP = _circular([[_CIFAR100_CLASSES.index(n) for n in names] for names in CIFAR100_SUPERCLASSES.values()])

# Within blocks of five consecutive classes, as in the code of APL, ALF, ANL and JAL: 6 of the 100 flips stay in the
# superclass.
_BLOCKS_MAP = _circular([list(range(start, start + 5)) for start in range(0, 100, 5)])

CIFAR100 = DatasetInfo(
    name="cifar100",
    title="a hundred classes of objects, 32 × 32",
    source="CIFAR-100 (Krizhevsky 2009); human labels CIFAR-100N (Wei et al., ICLR 2022)",
    license="not stated; CIFAR-100N CC BY-NC 4.0",
    classes=_CIFAR100_CLASSES,
    load=load,
    train_size=50_000,
    image_size=32,
    asymmetric_maps={"superclass": _SUPERCLASS_MAP, "blocks": _BLOCKS_MAP},
    human={"noisy": HumanLabels(_CIFAR100N, "noisy_label")},
    official_files=(OfficialFile("cifar-100-python.tar.gz", partial(_address, "CIFAR100")),),
    # From ALF, ANL and JAL. Their code also rotates by up to 20°, which no paper mentions.
    recipe=papers_recipe(
        model="resnet34",
        epochs=200,
        lr=0.1,
        weight_decay=1e-5,
        mean=[0.5071, 0.4865, 0.4409],
        std=[0.2673, 0.2564, 0.2762],
        augmentation=["crop4", "flip", "rotate20"],
    ),
)
