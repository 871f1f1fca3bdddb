"""The ``rebuilderd-datasette`` command as a process, which Ctrl-C ends with 130 at any moment."""

from __future__ import annotations

import atexit
import signal

from ingest import interrupts


def main() -> None:
    # `python -m` ends by the signal itself, whatever the exit code, where an interrupt once passed
    # through exec(), as in many an import.
    atexit.register(signal.pthread_sigmask, signal.SIG_BLOCK, {signal.SIGINT})
    try:
        from ingest.cli import cli

        cli(prog_name="rebuilderd-datasette")
    except KeyboardInterrupt:
        interrupts.end()


if __name__ == "__main__":
    main()
