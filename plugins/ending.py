"""Ends the server in time after SIGTERM. uvicorn waits for as long as a request takes, and Python for its threads."""

import os
import sys
from threading import Timer

import uvicorn
from datasette import hookimpl

GRACE = 5
"""Seconds for what is being answered."""


@hookimpl
def startup():
    if not hasattr(uvicorn.Server.handle_exit, "begins"):
        uvicorn.Server.handle_exit = with_an_end(uvicorn.Server.handle_exit)


def with_an_end(handle_exit):
    def handle(self, signal, frame):
        timer = Timer(GRACE, end, [signal])
        timer.daemon = True
        timer.start()
        return handle_exit(self, signal, frame)

    handle.begins = handle_exit
    return handle


def end(signal):
    print(
        f"Something was still being answered {GRACE} s after the signal to end, and is left.",
        file=sys.stderr,
        flush=True,
    )
    os._exit(128 + signal)
