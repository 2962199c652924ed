"""Runs the provider.

python -m deploy.login --port 8001 --public-url http://127.0.0.1:8080 --key FILE --secrets FILE
"""

import argparse
import json
import time
from pathlib import Path

import uvicorn

from deploy.local.ports import HOST
from deploy.login.provider import create_app
from deploy.login.tokens import Tokens, signing_key


def main() -> None:
    arguments = argparse.ArgumentParser(description="OpenID Connect provider with invented people")
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--public-url", required=True, help="of the platform that people sign in to")
    arguments.add_argument("--key", type=Path, required=True, help="signs the tokens; made when it is not there")
    arguments.add_argument("--secrets", type=Path, required=True, help="of each program, as JSON")
    given = arguments.parse_args()
    tokens = Tokens(f"http://{HOST}:{given.port}", signing_key(given.key), time.time)
    app = create_app(tokens, given.public_url, json.loads(given.secrets.read_text()))
    uvicorn.run(
        app, host=HOST, port=given.port, log_level="warning", access_log=False, server_header=False, lifespan="off"
    )


if __name__ == "__main__":
    main()
