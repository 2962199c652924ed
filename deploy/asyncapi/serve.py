"""Serves the documents and their pages over HTTP, on this machine only."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from chassis.partners import read_partners
from deploy.asyncapi.document import text_of
from deploy.asyncapi.page import index_of, page_of
from deploy.asyncapi.views import documents, of_partner
from deploy.local.platform import PARTNERS
from deploy.local.ports import HOST


def server(port: int) -> ThreadingHTTPServer:
    """A server for every page, which still has to be started. Port 0: any free port."""
    files = _files()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path not in files:
                self.send_error(404)
                return
            kind, text = files[self.path]
            self.send_response(200)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            """Requests are not logged."""

    return ThreadingHTTPServer((HOST, port), Handler)


def _files() -> dict[str, tuple[str, str]]:
    """Path to content type and text."""
    found = documents() | {f"partner-{partner.id}": of_partner(partner) for partner in read_partners(PARTNERS).values()}
    return {
        "/": ("text/html", index_of(found)),
        **{f"/{name}.html": ("text/html", page_of(document)) for name, document in found.items()},
        **{f"/{name}.yaml": ("text/plain", text_of(document)) for name, document in found.items()},
    }
