"""Exceptions that the command line knows. `UserError` is meant for the user: printed without a traceback."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable

# No space left, over the quota, read-only.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class UserError(ValueError):
    """Something the user gave cannot be right; the message names the place and the remedy."""


class Stopped(BaseException):
    """Training was asked to stop, and has saved its checkpoint; no error, so not an `Exception`."""

    # What the trial's log ends with, and the exit code of its job (sysexits' EX_TEMPFAIL).
    MESSAGE = "stopped; the next call resumes from the checkpoint, if one could be saved"
    EXIT_CODE = 75


def closest(word: object, options: Iterable[str]) -> str | None:
    """The option that reads most like the word, None when none does."""
    folded = {option.casefold(): option for option in options}
    found = difflib.get_close_matches(str(word).casefold(), list(folded), n=1, cutoff=0.5)
    return folded[found[0]] if found else None


def unknown(what: str, word: object, options: Iterable[str]) -> str:
    """One line for a name that does not exist: what it is, the nearest name, all allowed ones."""
    options = list(options)
    near = closest(word, options)
    hint = f" — did you mean {near}?" if near else "."
    return f"unknown {what} {word!r}{hint} Allowed: {', '.join(options) or 'none'}"
