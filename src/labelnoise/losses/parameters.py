"""Hyper-parameters of losses: names, defaults and ranges. Needs no torch."""

from __future__ import annotations

import math
from dataclasses import dataclass

Value = float | bool | str | list[float] | None

BALANCED = "balanced"


class LossError(ValueError):
    """An invalid loss name, parameter or input; the message names the remedy."""


@dataclass(frozen=True)
class Parameter:
    """One hyper-parameter: a number in a range, a flag (a bool default) or a choice of names (`choices`).

    `tuned` parameters are those that papers set per data set: a preset must give them. `implicit_default` marks one
    that was added after results existed: at its default it is left out of a trial's identity, so those results stay
    valid.
    """

    name: str
    default: Value
    about: str
    low: float = 0.0
    high: float = math.inf
    open_low: bool = False
    integer: bool = False
    choices: tuple[str, ...] = ()
    tuned: bool = True
    implicit_default: bool = False

    def check(self, value: object, *, where: str) -> Value:
        """The value, converted to the parameter's type; raises `LossError` for a wrong type or a value out of range."""
        if self.choices:
            if value not in self.choices:
                raise LossError(f"{where} must be {self.range}, got {value!r}")
            return str(value)
        if isinstance(self.default, bool):
            if not isinstance(value, bool):
                raise LossError(f"{where} must be {self.range}, got {value!r}")
            return value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise LossError(f"{where} must be a number, got {value!r}")
        number = float(value)
        inside = (self.low < number if self.open_low else self.low <= number) and number <= self.high
        if not (math.isfinite(number) and inside) or (self.integer and number != int(number)):
            raise LossError(f"{where} must be {self.range}, got {number:g}")
        return number

    @property
    def range(self) -> str:
        """The range in words.

        >>> Parameter("q", 0.7, "exponent", high=1.0, open_low=True).range
        'a number > 0 and ≤ 1'
        """
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if isinstance(self.default, bool):
            return "true or false"
        bounds = []
        if self.low > -math.inf:
            bounds.append(f"{'>' if self.open_low else '≥'} {self.low:g}")
        if self.high < math.inf:
            bounds.append(f"≤ {self.high:g}")
        kind = "a whole number" if self.integer else "a number"
        return f"{kind} " + " and ".join(bounds) if bounds else "a finite number"

    @property
    def shown(self) -> str:
        """The default as the user would write it."""
        if isinstance(self.default, bool):
            return str(self.default).lower()
        return f"{self.default:g}" if isinstance(self.default, float | int) else str(self.default)


@dataclass(frozen=True)
class ClassWeight(Parameter):
    """Weights of the classes: a list of positive numbers, or `balanced`; None weights all alike."""

    def check(self, value: object, *, where: str) -> Value:
        if value is None or value == BALANCED:
            return value
        numbers = value if isinstance(value, list | tuple) else []
        is_valid = [
            isinstance(number, int | float) and not isinstance(number, bool) and 0 < number < math.inf
            for number in numbers
        ]
        if not is_valid or not all(is_valid):
            raise LossError(f"{where} must be {self.range}, got {value!r}")
        return [float(number) for number in numbers]

    @property
    def range(self) -> str:
        return f"a list with a positive number for each class, or {BALANCED}"

    @property
    def shown(self) -> str:
        return "none"
