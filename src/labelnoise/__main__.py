"""Entry point of `python -m labelnoise` and of the `labelnoise` command."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the command line and exit without teardown.

    A digits trial takes about a second, so overhead counts (benchmarks/README.md): garbage collection while torch is
    imported and the teardown of its libraries cost a third of a second. Every file is closed and renamed by then, so
    nothing is lost.
    """
    gc.disable()
    from labelnoise import cli

    try:
        code = cli.main(sys.argv[1:])
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:  # the reader, such as `head`, closed the pipe
        code = 0
    os._exit(code)


if __name__ == "__main__":
    main()
