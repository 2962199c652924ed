"""The border: may this partner send this message now, and is it valid? No I/O, no clock."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from chassis.handling import BRUSSELS, Refused
from contracts.checking import is_uuid
from contracts.codelists import CodeLists
from contracts.envelope import READ, Envelope, InvalidEnvelope, RawHeaders, read
from contracts.event import Event
from contracts.partner import AgreementRegistered, ProgrammatieSubmitted
from contracts.vocabulary import RejectionReason
from services.intake.application.checks import (
    check_application,
    check_joint_committee,
    check_programme,
    place_of,
    school_of,
)
from services.intake.application.partner_messages import PARTNER_MESSAGES, PartnerMessage
from services.intake.application.ports import Redactor, Sender

LARGEST = 16 * 1024
"""Bytes of one message, its headers included; a normal one has some hundreds."""
OLDEST = timedelta(days=7)
"""How old a message may be when it reaches us: as long as the partner's own topic keeps it."""
AHEAD = timedelta(minutes=5)
"""How far a partner's clock may be ahead of ours."""
LOOKING_BACK = timedelta(days=366)
"""How long ago something may have happened that a message reports."""

TYPES = {model.declaration.type: model for model in PARTNER_MESSAGES}
SEPARATORS = re.compile("[_:]")
ATTRIBUTES = frozenset({*READ, "data_base64"})
REFERENCES = ("reference", "learner_reference", "workplace_reference", "site", "agodi_reference")
PAST = (
    *("received_at", "opened_on", "started_on", "registered_on", "submitted_on"),
    *("acknowledged_on", "progressed_on", "closed_on", "ended_on"),
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The message is valid, and the partner may send it."""

    message: PartnerMessage[Any]
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message is not accepted, and which field has to change.

    Of what the partner wrote it holds only the message id, and that only when it is a UUID.
    """

    reason: RejectionReason
    field: str | None = None
    type: str | None = None
    message_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RejectMessage:
    """Publish to a partner that a message on its topic was not accepted; partition and offset say which one."""

    partner: str
    partition: int
    offset: int
    refusal: Refusal


class _Refuse(Exception):
    def __init__(self, reason: RejectionReason, field: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field


@dataclass(frozen=True)
class Border:
    """Judges one message at a time."""

    redact: Redactor
    code_lists: CodeLists

    def judge(
        self, sender: Sender, headers: RawHeaders, value: bytes | None, at: datetime | None
    ) -> Accepted | Refusal:
        """Check one message. `at` is when it reached us; None: it was checked before, so its age no longer counts."""
        headers = list(headers)
        envelope: Envelope | None = None
        try:
            _check_size(headers, value)
            envelope, data = _read(headers, value)
            _check_rights(sender, envelope, at)
            event = _closed(TYPES[envelope.type], data or b"")
            self._check(event, envelope.time)
        except _Refuse as refuse:
            return _refusal(refuse.reason, refuse.field, envelope)
        return Accepted(PARTNER_MESSAGES[type(event)](sender.id, event), envelope)

    def _check(self, event: Event, time: datetime) -> None:
        """Check what a schema cannot: the code lists, the dates, and that no reference is a person's number."""
        on = time.astimezone(BRUSSELS).date()
        for name in REFERENCES:
            if self._is_a_person(getattr(event, name, "")):
                raise _Refuse(RejectionReason.INVALID_DATA, name)
        for name in PAST:
            if not _lately(getattr(event, name, None), time, on):
                raise _Refuse(RejectionReason.INVALID_DATA, name)
        try:
            _check_codes(event, self.code_lists, on)
        except Refused as refused:
            raise _Refuse(RejectionReason.INVALID_DATA, refused.field) from None

    def _is_a_person(self, reference: str) -> bool:
        """Is the reference, or does it hold, a national number? A UUID is never one, whatever its digits."""
        return not is_uuid(reference) and bool(self.redact(SEPARATORS.sub("-", reference)).removed)


def too_many() -> Refusal:
    """The refusal of a message beyond the quota, which is not read at all."""
    return Refusal(RejectionReason.TOO_MANY)


def _check_size(headers: RawHeaders, value: bytes | None) -> None:
    if sum(len(name) + len(raw or b"") for name, raw in headers) + len(value or b"") > LARGEST:
        raise _Refuse(RejectionReason.TOO_LARGE)


def _read(headers: RawHeaders, value: bytes | None) -> tuple[Envelope, bytes | None]:
    try:
        return read(headers, value)
    except InvalidEnvelope as error:
        attribute = error.attribute if error.attribute in ATTRIBUTES else None
        raise _Refuse(RejectionReason.INVALID_ENVELOPE, attribute) from None


def _check_rights(sender: Sender, envelope: Envelope, at: datetime | None) -> None:
    if envelope.type not in TYPES:
        raise _Refuse(RejectionReason.UNKNOWN_TYPE, "type")
    if not sender.may_publish(envelope.type, (at or envelope.time).astimezone(BRUSSELS).date()):
        raise _Refuse(RejectionReason.TYPE_NOT_ALLOWED, "type")
    if not sender.owns(envelope.source):
        raise _Refuse(RejectionReason.SOURCE_NOT_YOURS, "source")
    if at and envelope.time < at - OLDEST:
        raise _Refuse(RejectionReason.TOO_OLD, "time")
    if at and envelope.time > at + AHEAD:
        raise _Refuse(RejectionReason.FROM_THE_FUTURE, "time")


def _closed(model: type[Event], data: bytes) -> Event:
    """Read the data by the writer's schema: no unknown field, no code that is not in its list, nothing null."""
    try:
        event = model.model_validate_json(data, strict=True, extra="forbid")
        for name in event.model_fields_set:
            if getattr(event, name) is None:
                raise _Refuse(RejectionReason.INVALID_DATA, name)
        # Parsing turned unknown codes into UNKNOWN; validating the parsed values refuses those.
        model.model_validate(event.model_dump())
    except ValidationError as error:
        raise _Refuse(RejectionReason.INVALID_DATA, _field(model, error)) from None
    return event


def _field(model: type[Event], error: ValidationError) -> str | None:
    """The path of the first invalid field, in our field names only: an unknown name may itself be personal data."""
    parts = error.errors(include_url=False, include_input=False, include_context=False)[0]["loc"]
    if not parts or parts[0] not in model.model_fields:
        return None
    return ".".join(str(part) for part in parts if isinstance(part, int) or part in model.model_fields)


def _check_codes(event: Event, code_lists: CodeLists, on: date) -> None:
    check_programme(getattr(event, "programme", None), code_lists.programmes, on)
    check_joint_committee(getattr(event, "joint_committee", None), code_lists.joint_committees)
    for name in ("school", "institution"):
        if number := getattr(event, name, None):
            school_of(number, code_lists.institutions, on, field=name)
    if nis := getattr(event, "nis", None):
        place_of(nis, code_lists.places, on)
    if isinstance(event, AgreementRegistered) and event.ends_on < event.starts_on:
        raise Refused("ends_on", "Een overeenkomst eindigt na haar begin.")
    if isinstance(event, ProgrammatieSubmitted):
        check_application(event.institution, event.school_year, code_lists.institutions)


def _lately(moment: datetime | date | None, time: datetime, on: date) -> bool:
    if isinstance(moment, datetime):
        return time - LOOKING_BACK <= moment <= time + AHEAD
    return moment is None or on - LOOKING_BACK <= moment <= on


def _refusal(reason: RejectionReason, field: str | None, envelope: Envelope | None) -> Refusal:
    if envelope is None:
        return Refusal(reason, field)
    return Refusal(reason, field, envelope.type if envelope.type in TYPES else None, _uuid(envelope.id))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
