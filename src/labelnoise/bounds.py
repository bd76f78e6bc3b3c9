"""Bounds of values in annotations: those of annotated_types, which pydantic brings and checks.

The trainer declares bounds but checks none, so it also runs where only torch is installed.
"""

from __future__ import annotations

try:
    from annotated_types import Ge, Gt, Le, Len, Lt, MinLen
except ModuleNotFoundError:

    class _Bound:
        def __init__(self, *limits: float):
            self.limits = limits

    class Ge(_Bound):  # type: ignore[no-redef]
        @property
        def ge(self) -> float:
            return self.limits[0]

    class Gt(_Bound):  # type: ignore[no-redef]
        pass

    class Le(_Bound):  # type: ignore[no-redef]
        pass

    class Len(_Bound):  # type: ignore[no-redef]
        pass

    class Lt(_Bound):  # type: ignore[no-redef]
        pass

    class MinLen(_Bound):  # type: ignore[no-redef]
        pass


__all__ = ["Ge", "Gt", "Le", "Len", "Lt", "MinLen"]
