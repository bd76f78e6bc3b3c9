"""`python -m labelnoise` and the `labelnoise` command."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    """Run the command line and leave at once.

    A digits trial is a second of work, so what surrounds it counts (benchmarks/README.md): collecting garbage
    while torch is imported and tearing its libraries down again cost a third of a second. Every file is closed
    and renamed by then, so there is nothing to tear down.
    """
    gc.disable()
    from labelnoise import cli

    try:
        code = cli.main(sys.argv[1:])
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        code = 0
    os._exit(code)


if __name__ == "__main__":
    main()
