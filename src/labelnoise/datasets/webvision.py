"""The first 50 classes of WebVision 1.0: Google images for training, its own and ILSVRC 2012's validation as tests."""

from __future__ import annotations

from pathlib import Path

from labelnoise.datasets import lists
from labelnoise.datasets.info import DatasetInfo, Images, Listing
from labelnoise.datasets.lists import pairs
from labelnoise.datasets.recipes import IMAGENET_MEAN, IMAGENET_STD, papers_recipe
from labelnoise.errors import UserError

# WordNet id and name of the first 50 classes of ILSVRC 2012, which are also WebVision's.
CLASSES = {
    "n01440764": "tench", "n01443537": "goldfish", "n01484850": "great white shark", "n01491361": "tiger shark",
    "n01494475": "hammerhead", "n01496331": "electric ray", "n01498041": "stingray", "n01514668": "cock",
    "n01514859": "hen", "n01518878": "ostrich", "n01530575": "brambling", "n01531178": "goldfinch",
    "n01532829": "house finch", "n01534433": "junco", "n01537544": "indigo bunting", "n01558993": "robin",
    "n01560419": "bulbul", "n01580077": "jay", "n01582220": "magpie", "n01592084": "chickadee",
    "n01601694": "water ouzel", "n01608432": "kite", "n01614925": "bald eagle", "n01616318": "vulture",
    "n01622779": "great grey owl", "n01629819": "European fire salamander", "n01630670": "common newt",
    "n01631663": "eft", "n01632458": "spotted salamander", "n01632777": "axolotl", "n01641577": "bullfrog",
    "n01644373": "tree frog", "n01644900": "tailed frog", "n01664065": "loggerhead",
    "n01665541": "leatherback turtle", "n01667114": "mud turtle", "n01667778": "terrapin", "n01669191": "box turtle",
    "n01675722": "banded gecko", "n01677366": "common iguana", "n01682714": "American chameleon",
    "n01685808": "whiptail", "n01687978": "agama", "n01688243": "frilled lizard", "n01689811": "alligator lizard",
    "n01692333": "Gila monster", "n01693334": "green lizard", "n01694178": "African chameleon",
    "n01695060": "Komodo dragon", "n01697457": "African crocodile",
}  # fmt: skip

_ALL_CLASSES = 1000
_VALIDATION_FOLDERS = ("val_images_256", "val_images")
_ILSVRC12_FOLDERS = ("imagenet/val", "ILSVRC2012/val", "ilsvrc12/val")


def fingerprint(folder: Path) -> str | None:
    """A hash of the official lists; None if one is missing."""
    return lists.fingerprint([folder / "info" / "train_filelist_google.txt", folder / "info" / "val_filelist.txt"])


def load(info: DatasetInfo, folder: Path) -> Listing:
    """Files and labels; WebVision and ILSVRC 2012 number the classes alike.

    Reads info/train_filelist_google.txt (images in google/), info/val_filelist.txt (images in val_images_256/ or
    val_images/), and imagenet/val/ with one folder per class, named by its WordNet id.
    """
    train = _first_classes(pairs(folder / "info" / "train_filelist_google.txt", info.name, _ALL_CLASSES))
    inside = next((name for name in _VALIDATION_FOLDERS if (folder / name).is_dir()), None)
    if inside is None:
        raise UserError(f"{folder}: neither {' nor '.join(_VALIDATION_FOLDERS)} exists")
    validation = _first_classes(pairs(folder / "info" / "val_filelist.txt", info.name, _ALL_CLASSES))
    return Listing.of_pairs(
        {
            "train": train,
            "webvision": [(f"{inside}/{file}", label) for file, label in validation],
            "ilsvrc12": _ilsvrc12(folder),
        }
    )


def _first_classes(listed: list[tuple[str, int]]) -> list[tuple[str, int]]:
    return [(file, label) for file, label in listed if label < len(CLASSES)]


def _ilsvrc12(folder: Path) -> list[tuple[str, int]]:
    root = next((folder / name for name in _ILSVRC12_FOLDERS if (folder / name).is_dir()), None)
    if root is None:
        raise UserError(
            f"{folder}: {_ILSVRC12_FOLDERS[0]} is missing; it must hold ILSVRC 2012's validation images by class"
        )
    listed: list[tuple[str, int]] = []
    for label, wordnet in enumerate(CLASSES):
        files = sorted((root / wordnet).glob("*.JPEG"))
        if not files:
            raise UserError(f"{root / wordnet} is missing or has no .JPEG; it must hold class {label} of ILSVRC 2012")
        listed += [(file.relative_to(folder).as_posix(), label) for file in files]
    return listed


INFO = DatasetInfo(
    name="webvision_mini",
    title="the first 50 classes of WebVision 1.0's Google images",
    source="WebVision (Li et al. 2017); ILSVRC 2012 validation images (Russakovsky et al. 2015)",
    license="for research",
    classes=tuple(CLASSES.values()),
    load=load,
    fingerprint_of=fingerprint,
    images=Images.FILES,
    labels="given",
    test_sets=("webvision", "ilsvrc12"),
    # Batch size 256 is JAL's, in paper and code; see the presets of APL and ANL. The network is initialised as in APL
    # and ANL: JAL's code starts with residual branches at zero (zero_init_residual).
    recipe=papers_recipe(
        model="resnet50",
        epochs=250,
        batch_size=256,
        lr=0.4,
        nesterov=True,
        weight_decay=3e-5,
        schedule="step",
        step_factor=0.97,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
        augmentation=["resized_crop", "flip", "jitter"],
        image_size=224,
        resize=256,
        precision="auto",
        threads=8,
    ),
)
