"""Exceptions that the command line handles, and helpers for messages about unknown names."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable

# No space left, quota exceeded, read-only file system.
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class UserError(ValueError):
    """A mistake by the user, printed without a traceback; the message names the place and the remedy."""


class MachineError(UserError):
    """An error of the machine, not of the trial: nothing is decided about the trial, which another attempt resumes."""


class Stopped(BaseException):
    """Training was told to stop and has saved a checkpoint if it could; not an error, so not an `Exception`."""

    # The last line of the trial's log, and the exit code of its job (sysexits' EX_TEMPFAIL).
    MESSAGE = "stopped; the next call resumes from the checkpoint, if one could be saved"
    EXIT_CODE = 75


def closest(word: object, options: Iterable[str]) -> str | None:
    """The option most similar to the word, None if none is similar."""
    folded = {option.casefold(): option for option in options}
    matches = difflib.get_close_matches(str(word).casefold(), list(folded), n=1, cutoff=0.5)
    return folded[matches[0]] if matches else None


def unknown(what: str, word: object, options: Iterable[str]) -> str:
    """A one-line message about an unknown name: what it should be, the nearest name, all allowed names."""
    options = list(options)
    near = closest(word, options)
    hint = f" — did you mean {near}?" if near else "."
    return f"unknown {what} {word!r}{hint} Allowed: {', '.join(options) or 'none'}"
