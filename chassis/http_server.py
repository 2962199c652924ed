"""The HTTP server of a process: uvicorn, and what it leaves to us."""

from contextlib import nullcontext

import httptools
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD = 64 * 1024
"""Bytes of headers, or of the trailers behind a body, unless all of them came in one read."""


class HttpProtocol(HttpToolsProtocol):
    """HTTP/1.1 by httptools, in a quarter of the time of h11, and with what h11 did that matters here.

    Headers come to an end, and nothing behind the body is a header. And who offers another protocol, as Java's own
    client does, is answered in this one: httptools stops reading after such headers, and uvicorn loses what comes then
    (its issue 2722).
    """

    _in_head = False
    _moved = False
    """The last bytes held the end of some headers, a part of a body or the end of a request."""
    _still = 0
    """Bytes since then."""

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        while data:
            data = self._read(data)

    def _read(self, data: bytes) -> bytes:
        """What is left to be read."""
        self._moved = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            return self._turn_down(data[offer.args[0] :])
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request.")
        else:
            self._still = 0 if self._moved else self._still + len(data)
            if self._still > LARGEST_HEAD:
                self.send_400_response("Headers without an end.")
        return b""

    def _turn_down(self, rest: bytes) -> bytes:
        """Read the same request once more, without what was offered."""
        method = self.parser.get_method()
        if method == b"CONNECT":
            self.send_400_response("This is no proxy.")
            return b""
        opening = b"%b %b HTTP/%b\r\n" % (method, self.url, self.parser.get_http_version().encode())
        kept = [b"%b: %b\r\n" % one for one in self.headers if one[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        # As uvicorn has it: what comes behind a request with `connection: close` does not spoil that one.
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        return b"".join([opening, *kept, b"\r\n", rest])

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_head, self._moved = False, True
        if not self.parser.should_upgrade():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._moved = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._moved = True
        if not self.parser.should_upgrade():
            super().on_message_complete()


class HttpServer(uvicorn.Server):
    """Signals are the process's, not the HTTP server's."""

    def __init__(self, app: FastAPI, host: str, port: int) -> None:
        config = uvicorn.Config(
            app,
            host,
            port,
            log_config=None,
            access_log=False,
            lifespan="off",
            http=HttpProtocol,
            ws="none",
            # Nobody here asks from where a request comes.
            proxy_headers=False,
            # Without it one client that never finishes its request keeps the process from ending.
            timeout_graceful_shutdown=5,
        )
        super().__init__(config)

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        """Leave them alone."""
        return nullcontext()
