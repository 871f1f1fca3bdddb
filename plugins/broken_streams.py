"""A stream that fails ends without its last chunk, so that nobody takes a part for the whole.

Datasette writes the text of the error, with its SQL, into the CSV that it has begun, and ends it as if it were complete;
elsewhere it begins a page that tells of the error. Either is sent while an exception is handled that was not yet there when
the answer began.
"""

import sys

from datasette import hookimpl


@hookimpl(
    trylast=True
)  # outside of what holds the beginning back: what fails before it was sent is answered as an error
def asgi_wrapper():
    def wrapped(app):
        async def answer(scope, receive, send):
            try:
                await app(scope, receive, Whole(send).send if scope["type"] == "http" else send)
            except BrokenStreamError as error:
                # The server closes a connection whose answer was not brought to its end.
                print(f"{scope['path']} broke off: {error}", file=sys.stderr, flush=True)

        return answer

    return wrapped


class BrokenStreamError(BaseException):
    """Goes through what answers an Exception with one more page."""


class Whole:
    """Sends an answer as long as nothing fails."""

    def __init__(self, send):
        self.sent = send
        self.has_begun = False
        self.handled = None

    async def send(self, message):
        failed = sys.exc_info()[1]
        if not self.has_begun:
            self.has_begun, self.handled = True, failed  # an error's own page begins with its exception
        elif failed is not self.handled:
            raise BrokenStreamError(failed)
        await self.sent(message)
