"""uvicorn: http="httptools" loses the body of a POST that offers HTTP/2, and takes what is behind a body as headers."""

import asyncio
import logging
import socket
import sys
from typing import Any

import uvicorn

OPENING = b"POST / HTTP/1.1\r\nhost: example\r\n"
OFFER = OPENING + b"connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAEAAEAAAAIAAAAB\r\n"
INNER = b"GET / HTTP/1.1\r\nhost: example\r\n\r\n"
REQUESTS = {
    "body in the same write": [OFFER + b"content-length: 4\r\n\r\nbody"],
    "body in a later write": [OFFER + b"content-length: %d\r\n\r\n" % len(INNER), INNER],
    "trailer": [OPENING + b"transfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nx-user: root\r\n\r\n"],
}


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the length of the body, and with the header x-user once the body is read, as any framework does."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    user = dict(scope["headers"]).get(b"x-user", b"nobody").decode()
    answer = f"[{scope['method']}: {len(body)} bytes from {user}]".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(answer))]})
    await send({"type": "http.response.body", "body": answer})


async def answers(port: int, parts: list[bytes]) -> str:
    """What comes back within a second when these bytes are sent one after the other."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.5)
    writer.close()
    lines = (await reader.read()).decode().replace("[", "\n[").splitlines()
    return " ".join(line.partition("]")[0] + "]" for line in lines if line.startswith("["))


async def served_by(http: Any) -> dict[str, str]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, http=http, ws="none", lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve([listening]))
    found = {name: await answers(listening.getsockname()[1], parts) for name, parts in REQUESTS.items()}
    server.should_exit = True
    await serving
    return found


async def main() -> int:
    h11, httptools = await served_by("h11"), await served_by("httptools")
    wrong = all(h11[name] != httptools[name] for name in REQUESTS)
    differences = "; ".join(f"{name}: {httptools[name]} instead of {h11[name]}" for name in REQUESTS)
    sys.stdout.write(f"{'reproduced' if wrong else 'not reproduced'}: {differences}\n")
    return 0 if wrong else 1


if __name__ == "__main__":
    logging.disable()
    sys.exit(asyncio.run(main()))
