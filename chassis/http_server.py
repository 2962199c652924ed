"""The HTTP server of a process: uvicorn, and what it leaves to us."""

from contextlib import nullcontext

import uvicorn
from fastapi import FastAPI


class HttpServer(uvicorn.Server):
    """Signals are the process's, not the HTTP server's."""

    def __init__(self, app: FastAPI, host: str, port: int, gateway: str = "127.0.0.1") -> None:
        config = uvicorn.Config(
            app,
            host,
            port,
            log_config=None,
            access_log=False,
            lifespan="off",
            http="h11",
            ws="none",
            # The gateway says from which address a request came; nobody else is believed.
            proxy_headers=True,
            forwarded_allow_ips=gateway,
            # Without it one client that never finishes its request keeps the process from ending.
            timeout_graceful_shutdown=5,
        )
        super().__init__(config)

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        """Leave them alone."""
        return nullcontext()
