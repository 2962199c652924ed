"""For partners without Kafka: CloudEvents over HTTP. Of a batch either all events are accepted, or none."""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote_to_bytes
from uuid import uuid4

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from pydantic import StringConstraints, TypeAdapter, ValidationError

from chassis.access import ByPartnerToken
from chassis.commands import Commands
from chassis.http import problem
from chassis.partner_gateway import REJECTED, Verdict
from chassis.partners import Partner
from chassis.settings import InvalidSettings
from contracts.envelope import STRUCTURED
from contracts.vocabulary import RejectionReason
from services.intake.adapters.partner_gateway import IntakePartnerGateway, Sent, accepted_message, rejected_verdict
from services.intake.application.border import Accepted, Refusal, too_many
from services.intake.application.quota import Quotas

BINARY = "application/json"
BATCH = "application/cloudevents-batch+json"
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
LARGEST_BATCH = 100
"""Events in one request."""
WITH_THE_BATCH = "BATCH"
"""The reason for a valid event that is not accepted because another one of its batch is invalid."""

FORBIDDEN = (RejectionReason.UNKNOWN_TYPE, RejectionReason.TYPE_NOT_ALLOWED, RejectionReason.SOURCE_NOT_YOURS)
STATUS = {
    RejectionReason.INVALID_ENVELOPE: 400,
    RejectionReason.TOO_LARGE: 413,
    **dict.fromkeys(FORBIDDEN, 403),
}
"""The status for one refused event; every other reason, and every refused batch, is a 422."""

ADVICE = {
    RejectionReason.INVALID_ENVELOPE: "Dit is geen CloudEvent 1.0. Kijk het attribuut na.",
    RejectionReason.UNKNOWN_TYPE: "Dit type bestaat niet voor partners. Kijk de spelling na.",
    RejectionReason.TYPE_NOT_ALLOWED: "Uw organisatie mag dit type vandaag niet sturen. Neem contact met ons op.",
    RejectionReason.SOURCE_NOT_YOURS: "Deze bron is niet van uw organisatie.",
    RejectionReason.INVALID_DATA: "De gegevens zijn niet zoals het type ze vraagt. Kijk het veld na.",
    RejectionReason.TOO_LARGE: "Het bericht is te groot.",
    RejectionReason.TOO_OLD: "Het bericht is te oud.",
    RejectionReason.FROM_THE_FUTURE: "De tijd van het bericht ligt in de toekomst. Kijk de klok na.",
    RejectionReason.TOO_MANY: "Uw organisatie stuurt meer berichten dan afgesproken. Probeer het straks opnieuw.",
}
"""For the sender: what went wrong and what to do, in plain Dutch."""

OPENAPI = {"requestBody": {"required": True, "content": {kind: {} for kind in (BINARY, STRUCTURED, BATCH)}}}


class NotUnderstood(Exception):
    """The request is not CloudEvents over HTTP; `answer` is the response to send."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


def read_tokens(file: Path) -> dict[str, str]:
    """Read the file that holds, per partner, the SHA-256 of its token in hexadecimal.

    Raises:
        InvalidSettings: there is no such file, or its content is something else.
    """
    try:
        return TypeAdapter(dict[str, Hash]).validate_json(file.read_bytes())
    except (OSError, ValidationError):
        raise InvalidSettings(f"INTAKE_PARTNER_TOKENS: {file} is no JSON object of SHA-256 hashes") from None


def partner_routes(commands: Commands, gateway: IntakePartnerGateway, tokens: Mapping[str, str]) -> APIRouter:
    """One route. 202: every event of the request is accepted; any other answer: none of them is."""
    router = APIRouter()

    @router.post(
        "/partner/events",
        status_code=202,
        summary="Send us CloudEvents",
        openapi_extra=OPENAPI,
        dependencies=[Depends(ByPartnerToken())],
    )
    async def receive(request: Request) -> Response:
        partner = _partner_of(gateway, tokens, request.headers.get("authorization", ""))
        if partner is None:
            return _unknown()
        try:
            sent = _messages(request, await request.body(), min(LARGEST_BATCH, partner.quota.events_per_minute))
        except NotUnderstood as error:
            return error.answer
        at = commands.now()
        if not gateway.has_room(partner, at, [str(uuid4()) for _ in sent]):
            commands.count_verdicts([rejected_verdict(partner, too_many())] * len(sent))
            answer = _refused({0: too_many()}, 429)
            answer.headers["Retry-After"] = str(Quotas.seconds_left(at))
            return answer
        judged = [gateway.judge(partner, one, at) for one in sent]
        accepted = [one for one in judged if isinstance(one, Accepted)]
        if len(accepted) < len(judged):
            commands.count_verdicts(_verdict(partner, one) for one in judged)
            refusals = {index: one for index, one in enumerate(judged) if isinstance(one, Refusal)}
            return _refused(refusals, STATUS.get(refusals[0].reason, 422) if len(judged) == 1 else 422)
        await commands.take_in([accepted_message(partner, one) for one in accepted])
        return JSONResponse({"ids": [one.envelope.id for one in accepted]}, 202)

    return router


def _partner_of(gateway: IntakePartnerGateway, tokens: Mapping[str, str], authorization: str) -> Partner | None:
    scheme, _, token = authorization.partition(" ")
    digest = hashlib.sha256(token.strip().encode()).hexdigest()
    # Every token is compared in constant time, so that the time of an answer reveals nothing about a token.
    fitting = [id_ for id_, expected in tokens.items() if hmac.compare_digest(digest, expected)]
    return gateway.partners.get(fitting[0]) if fitting and scheme.lower() == "bearer" else None


def _messages(request: Request, body: bytes, most: int) -> list[Sent]:
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type == BINARY:
        return [(_attributes(request.headers.raw), body)]
    if content_type == STRUCTURED:
        return [_structured(body)]
    if content_type == BATCH:
        return [_structured(json.dumps(one).encode()) for one in _batch(body, most)]
    detail = f"Stuur {BINARY} met ce-headers, {STRUCTURED} of {BATCH}."
    raise NotUnderstood(problem(415, "Onbekende inhoud", detail))


def _attributes(raw: Sequence[tuple[bytes, bytes]]) -> list[tuple[str, bytes | None]]:
    """The `ce-` headers under their names on Kafka; in HTTP their values are percent-encoded UTF-8."""
    names = [(name.decode("latin-1").lower(), value) for name, value in raw]
    ours = [("ce_" + name[3:], unquote_to_bytes(value)) for name, value in names if name.startswith("ce-")]
    trace = [(name, value) for name, value in names if name == "traceparent"]
    return [*ours, *trace, ("content-type", BINARY.encode())]


def _structured(document: bytes) -> Sent:
    return [("content-type", STRUCTURED.encode())], document


def _batch(body: bytes, most: int) -> list[object]:
    try:
        batch = json.loads(body)
    except (ValueError, RecursionError):
        batch = None
    if not isinstance(batch, list) or not batch:
        raise NotUnderstood(problem(400, "Geen lijst", "De inhoud van de aanvraag is geen JSON-lijst van CloudEvents."))
    if len(batch) > most:
        raise NotUnderstood(problem(413, "Te veel", f"Stuur hoogstens {most} CloudEvents in één aanvraag."))
    return batch


def _verdict(partner: Partner, judged: Accepted | Refusal) -> Verdict:
    if isinstance(judged, Refusal):
        return rejected_verdict(partner, judged)
    return Verdict(partner.id, judged.envelope.type, REJECTED, WITH_THE_BATCH)


def _unknown() -> Response:
    answer = problem(401, "Wie bent u?", "Stuur het token van uw organisatie mee als Authorization: Bearer.")
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _refused(refusals: Mapping[int, Refusal], status: int) -> Response:
    """One problem document for the whole request, with one line per invalid event."""
    errors = [_line(index, refusal) for index, refusal in refusals.items()]
    return problem(status, "Niet aanvaard", "Niets van deze aanvraag is aanvaard.", errors)


def _line(index: int, refusal: Refusal) -> dict[str, object]:
    field = {"field": refusal.field} if refusal.field else {}
    return {"index": index, "code": refusal.reason, **field, "reason": ADVICE[refusal.reason]}
