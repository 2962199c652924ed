"""Static files under names that hold a hash of their content: browsers keep them for ever, and a new one is a new name.

Every service serves them, so a page looks the same wherever it comes from.
"""

import hashlib
import mimetypes
import re
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import Response

from chassis.access import anyone
from chassis.handling import NotFound

FOLDER = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"
_URL = re.compile(r"url\(([\w.-]+)\)")


class Assets:
    """The static files, in memory."""

    def __init__(self) -> None:
        files = {file.name: file.read_bytes() for file in sorted(FOLDER.iterdir()) if file.is_file()}
        self._names: dict[str, str] = {}
        self._content: dict[str, bytes] = {}
        # What a stylesheet points to comes first, so that its own name changes with it.
        for name in sorted(files, key=lambda name: name.endswith(".css")):
            self._add(name, files[name])

    def _add(self, name: str, content: bytes) -> None:
        if name.endswith(".css"):
            content = _URL.sub(lambda found: f"url({self._names[found[1]]})", content.decode()).encode()
        stem, _, ending = name.rpartition(".")
        self._names[name] = f"{stem}.{hashlib.sha256(content).hexdigest()[:12]}.{ending}"
        self._content[self._names[name]] = content

    def url(self, name: str) -> str:
        """The address of a file."""
        return f"/static/{self._names[name]}"

    def routes(self) -> APIRouter:
        """The one route that serves them."""
        router = APIRouter(include_in_schema=False)

        @router.get("/static/{name}", dependencies=[anyone("the looks of public pages")])
        async def show(name: str) -> Response:
            if name not in self._content:
                raise NotFound("Dit bestand bestaat niet (meer). Laad de pagina opnieuw.")
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            return Response(self._content[name], media_type=kind, headers={"Cache-Control": FOREVER})

        return router


ASSETS = Assets()
