"""The configuration of Caddy, made from the list of routes."""

from collections.abc import Mapping

from deploy.gateway.errors import ERRORS, STYLE_DIGEST, TEMPLATES
from deploy.gateway.routes import HOME, PRIVATE, api_prefix, most_specific_first

LARGEST_BODY = "80KB"
"""More than a service accepts (64 KiB): it can say best what is too long. Of what is larger it gets no more."""


def caddyfile(host: str, port: int, upstreams: Mapping[str, str]) -> str:
    """For a gateway at this address; `upstreams` has the host and port of each service."""
    return TEMPLATES.get_template("Caddyfile.jinja").render(
        host=host,
        port=port,
        upstreams=upstreams,
        private=[*PRIVATE, *(f"{api_prefix(service)}{path}" for service in upstreams for path in PRIVATE)],
        api_prefixes={service: api_prefix(service) for service in upstreams},
        routes=most_specific_first(),
        home=HOME,
        errors=ERRORS,
        style_digest=STYLE_DIGEST,
        largest_body=LARGEST_BODY,
    )
