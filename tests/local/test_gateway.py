"""The gateway brings each path to the service that owns it, says who asks, and speaks for a service that is down."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from deploy.gateway.routes import PAGES, PRIVATE, most_specific_first
from deploy.local import ports
from deploy.local.gateway import gateway
from deploy.local.process import ProcessServer
from deploy.services import SERVICES

DOWN = "pof"
HTML = {"Accept": "text/html"}


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked, and with the name of the service that it stands for."""

    protocol_version = "HTTP/1.1"
    service: str

    def do_GET(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        asked = {"service": self.service, "path": self.path, "headers": dict(self.headers)}
        body = json.dumps({**asked, "bytes": len(self.rfile.read(length))}).encode()
        with suppress(ConnectionError):  # the gateway hangs up in the middle of what is too large
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - http.server finds its methods by these names

    def log_message(self, *_: Any) -> None:
        """It has nothing to say."""


@pytest.fixture(scope="module")
def upstreams() -> Iterator[dict[str, str]]:
    """An echo for every service but one, which is down."""
    chosen = ports.choose(SERVICES, {})
    servers = []
    for name in SERVICES:
        if name != DOWN:
            echo = type("NamedEcho", (Echo,), {"service": name})
            servers.append(ThreadingHTTPServer((ports.HOST, chosen[name]), echo))
    for server in servers:
        Thread(target=server.serve_forever, daemon=True).start()
    yield {name: f"{ports.HOST}:{port}" for name, port in chosen.items()}
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory, upstreams: dict[str, str]) -> Iterator[ProcessServer]:
    port = ports.choose(["gateway"], {})["gateway"]
    process = gateway(tmp_path_factory.mktemp("gateway"), port, upstreams)
    process.start()
    yield process
    process.stop()


@pytest.fixture(scope="module")
def client(process: ProcessServer) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{ports.HOST}:{process.port}") as client:
        yield client


def test_every_route_leads_to_a_service_that_exists() -> None:
    assert {route.service for route in PAGES} <= set(SERVICES)


def test_the_most_specific_route_is_tried_first() -> None:
    prefixes = [route.prefix for route in most_specific_first()]
    assert prefixes.index("/werkplek/aanbieden") < prefixes.index("/werkplek/")


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/", "intake"),
        ("/vraag/stap-2?wie=ouder", "intake"),
        ("/werkplek/aanbieden", "intake"),
        ("/balie.csv", "intake"),
        ("/static/app.css", "intake"),
        ("/nergens", "intake"),
        ("/api/bestaat-niet/x", "intake"),
        ("/doorverwijzing/7", "referral"),
        ("/d/geheim", "referral"),
        ("/matching", "matching"),
        ("/werkplek/geheim", "matching"),
        ("/voorstel/geheim", "matching"),
        ("/sessies.ics", "notifications"),
        ("/voorkeuren/geheim", "notifications"),
    ],
)
def test_a_path_leads_to_the_service_that_owns_it(client: httpx.Client, path: str, service: str) -> None:
    seen = client.get(path).json()
    assert (seen["service"], seen["path"]) == (service, path)


@pytest.mark.parametrize("service", [name for name in SERVICES if name != DOWN])
def test_programs_reach_every_service_under_a_prefix_that_it_does_not_see(client: httpx.Client, service: str) -> None:
    seen = client.get(f"/api/{service}/dossiers/1?volledig=ja").json()
    assert (seen["service"], seen["path"]) == (service, "/dossiers/1?volledig=ja")


@pytest.mark.parametrize("private", PRIVATE)
@pytest.mark.parametrize("place", ["", "/api/intake", "/api/referral"])
def test_what_a_service_tells_its_operators_is_not_there(client: httpx.Client, private: str, place: str) -> None:
    assert client.get(f"{place}{private}").status_code == 404


@pytest.mark.parametrize("path", ["/%6detrics", "//metrics", "/api/intake%2Fmetrics", "/api//intake/./metrics"])
def test_writing_such_a_path_in_another_way_does_not_help(client: httpx.Client, path: str) -> None:
    answer = client.send(httpx.Request("GET", client.base_url, extensions={"target": path.encode()}))
    assert answer.status_code == 404


def test_what_a_client_says_about_where_it_comes_from_is_replaced(client: httpx.Client) -> None:
    forged = {"X-Forwarded-For": "8.8.8.8", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    seen = client.get("/vraag", headers={**forged, "X-Forwarded-Prefix": "/elders"}).json()["headers"]
    forwarded = {name: value for name, value in seen.items() if name.lower().startswith("x-forwarded-")}
    assert forwarded == {
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Host": client.base_url.netloc.decode(),
    }


def test_everything_else_that_a_client_sends_is_passed_on(client: httpx.Client) -> None:
    sent = {"Authorization": "Bearer abc", "Cookie": "aanmelding=x", "Origin": "http://elders", "Traceparent": "00-1"}
    seen = client.post("/vraag", content=b"dag", headers=sent).json()
    assert seen["headers"].items() >= {**sent, "Host": client.base_url.netloc.decode()}.items()
    assert seen["bytes"] == 3


def test_it_does_not_say_which_server_it_is(client: httpx.Client) -> None:
    for path in ("/", f"/{DOWN}", "/metrics"):
        assert not {"server", "via"} & client.get(path).headers.keys()


def test_known_by_another_name_it_sends_people_to_its_own(client: httpx.Client) -> None:
    answer = client.get("/vraag?x=1", headers={"Host": "elders.example"})
    assert (answer.status_code, answer.headers["Location"]) == (308, f"{client.base_url}/vraag?x=1")


def test_a_service_that_is_down_has_a_page_with_a_way_out(client: httpx.Client) -> None:
    answer = client.get(f"/{DOWN}/dossiers", headers=HTML)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "even niet bereikbaar" in answer.text
    assert 'href="/"' in answer.text
    assert not re.search(r"<script|http", answer.text)
    assert client.post(f"/{DOWN}/dossiers", headers=HTML).text == answer.text


@pytest.mark.parametrize(("path", "accepted"), [(f"/{DOWN}", "application/json"), (f"/api/{DOWN}/dossiers", "*/*")])
def test_a_program_gets_the_same_as_a_problem(client: httpx.Client, path: str, accepted: str) -> None:
    answer = client.get(path, headers={"Accept": accepted})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json().keys() == {"title", "status", "detail"}


def test_the_path_of_a_request_is_written_nowhere(client: httpx.Client, process: ProcessServer) -> None:
    client.get(f"/{DOWN}/een-geheime-link")
    assert "een-geheime-link" not in process.log.read_text()


def test_what_a_service_may_judge_is_passed_on_and_what_is_larger_is_not(client: httpx.Client) -> None:
    assert client.post("/vraag", content=b"x" * 70_000).json()["bytes"] == 70_000
    answer = client.post("/vraag", content=b"x" * 90_000, headers=HTML)
    assert (answer.status_code, "te veel tekst" in answer.text) == (413, True)


def test_the_next_port_is_taken_when_somebody_has_the_one_that_was_asked_for(process: ProcessServer) -> None:
    assert ports.first_free(process.port) > process.port


def test_a_killed_gateway_starts_again_at_the_same_address(tmp_path: Path) -> None:
    port = ports.choose(["gateway"], {})["gateway"]
    process = gateway(tmp_path, port, dict.fromkeys(SERVICES, f"{ports.HOST}:1"))
    process.start()
    try:
        process.kill()
        process.start()
        assert process.answering
    finally:
        process.stop()
    assert not process.running
