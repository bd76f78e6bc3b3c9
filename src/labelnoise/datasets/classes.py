"""Class names in label order, and which classes get confused. Needs nothing but the standard library."""

from __future__ import annotations

Map = tuple[tuple[int, int], ...]

DIGITS = tuple("0123456789")

# The published map of MNIST (Patrini et al. 2017): 7→1, 2→7, 5↔6, 3→8.
DIGITS_MAP: Map = ((7, 1), (2, 7), (5, 6), (6, 5), (3, 8))

FASHION = (
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
)  # fmt: skip

CIFAR10 = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

# truck→automobile, bird→airplane, cat↔dog, deer→horse, in the order of the published code.
CIFAR10_MAP: Map = ((9, 1), (2, 0), (3, 5), (5, 3), (4, 7))

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

CIFAR100 = tuple(sorted(name for names in CIFAR100_SUPERCLASSES.values() for name in names))


def _circular(groups: list[list[int]]) -> Map:
    """Each class to the next of its group, the last to the first; by class."""
    return tuple(sorted((k, group[(i + 1) % len(group)]) for group in groups for i, k in enumerate(group)))


# Within the true superclass, as the papers say.
CIFAR100_SUPERCLASS_MAP = _circular([[CIFAR100.index(n) for n in names] for names in CIFAR100_SUPERCLASSES.values()])

# Within blocks of five consecutive classes, as the code of APL, ALF, ANL and JAL has it: 6 of the 100 flips stay in
# the superclass.
CIFAR100_BLOCKS_MAP = _circular([list(range(start, start + 5)) for start in range(0, 100, 5)])

ANIMAL10N = (
    "cat", "lynx", "wolf", "coyote", "cheetah", "jaguar", "chimpanzee", "orangutan", "hamster", "guinea pig",
)  # fmt: skip

CLOTHING1M = (
    "T-Shirt", "Shirt", "Knitwear", "Chiffon", "Sweater", "Hoodie", "Windbreaker", "Jacket", "Downcoat", "Suit",
    "Shawl", "Dress", "Vest", "Underwear",
)  # fmt: skip

# The first 50 classes of ILSVRC 2012, which are WebVision's: WordNet id and name.
WEBVISION_MINI = {
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
