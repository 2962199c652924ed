"""The border: which messages a partner may send and when, valid data, and the content of a refusal."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.partners import Partner
from chassis.testing.builders import NOON
from contracts.codelists import CodeLists
from contracts.vocabulary import RejectionReason
from services.intake.adapters.redaction import redact
from services.intake.application.border import AHEAD, LARGEST, OLDEST, Accepted, Border, Refusal
from services.intake.application.partner_messages import id_of
from tests.partners import PARTNERS, TYPES, data_of, headers_by

BORDER = Border(redact, CodeLists.read())
SCHOOLSOFT, UNIZO, CLB = PARTNERS["schoolsoft"], PARTNERS["unizo"], PARTNERS["clb-west"]
SEARCH = "be.duaalwest.partner.LearnerSearchStarted.v1"
QUESTION = "be.duaalwest.partner.QuestionReceived.v1"
APPLICATION = "be.duaalwest.partner.ProgrammatieSubmitted.v1"
WORKPLACE = "be.duaalwest.partner.WorkplaceRegistered.v1"
AGREEMENT = "be.duaalwest.partner.AgreementRegistered.v1"
NATIONAL_NUMBER = "85073003328"

Case = tuple[Partner, str]
ALLOWED: list[Case] = [(one, type_) for one in PARTNERS.values() for type_ in one.publishes]
FORBIDDEN: list[Case] = [(one, type_) for one in PARTNERS.values() for type_ in TYPES if type_ not in one.publishes]


def name_of(case: Any) -> str:
    return case.id if isinstance(case, Partner) else str(case)


def judge(sender: Partner = SCHOOLSOFT, type_: str = SEARCH, /, **changed: Any) -> Accepted | Refusal:
    """The border's decision on a valid message with these fields of its data changed."""
    return BORDER.judge(sender, headers_by(sender, type_), json.dumps(data_of(type_, **changed)).encode(), NOON)


def refused(judged: Accepted | Refusal) -> tuple[RejectionReason, str | None]:
    assert isinstance(judged, Refusal), judged
    return judged.reason, judged.field


@pytest.mark.parametrize(("sender", "type_"), ALLOWED, ids=name_of)
def test_a_type_in_the_manifest_is_accepted(sender: Partner, type_: str) -> None:
    judged = judge(sender, type_)
    assert isinstance(judged, Accepted)
    assert judged.message.partner == sender.id


@pytest.mark.parametrize(("sender", "type_"), FORBIDDEN, ids=name_of)
def test_a_type_that_is_not_in_the_manifest_is_refused(sender: Partner, type_: str) -> None:
    assert refused(judge(sender, type_)) == (RejectionReason.TYPE_NOT_ALLOWED, "type")


@pytest.mark.parametrize(
    "type_", ["be.duaalwest.intake.QuestionReceived.v1", "be.duaalwest.partner.MessageRejected.v1"]
)
def test_an_event_of_ours_cannot_be_sent_by_a_partner(type_: str) -> None:
    judged = BORDER.judge(SCHOOLSOFT, headers_by(SCHOOLSOFT, type_), b"{}", NOON)
    assert judged == Refusal(RejectionReason.UNKNOWN_TYPE, "type", None, getattr(judged, "message_id", None))


@pytest.mark.parametrize("other", [*(one.sources[0] for one in PARTNERS.values()), "/services/intake", "urn:partner:s"])
def test_a_source_of_somebody_else_is_refused(other: str) -> None:
    if other in SCHOOLSOFT.sources:
        return
    headers = headers_by(SCHOOLSOFT, SEARCH, source=other)
    judged = BORDER.judge(SCHOOLSOFT, headers, json.dumps(data_of(SEARCH)).encode(), NOON)
    assert refused(judged) == (RejectionReason.SOURCE_NOT_YOURS, "source")


def test_a_source_under_its_own_is_the_partners_too() -> None:
    headers = headers_by(SCHOOLSOFT, SEARCH, source="urn:partner:schoolsoft:site-3")
    assert isinstance(BORDER.judge(SCHOOLSOFT, headers, json.dumps(data_of(SEARCH)).encode(), NOON), Accepted)


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        (OLDEST, None),
        (OLDEST + timedelta(seconds=1), RejectionReason.TOO_OLD),
        (-AHEAD, None),
        (-AHEAD - timedelta(seconds=1), RejectionReason.FROM_THE_FUTURE),
    ],
)
def test_a_message_is_of_these_days(later: timedelta, reason: RejectionReason | None) -> None:
    value = json.dumps(data_of(SEARCH)).encode()
    judged = BORDER.judge(SCHOOLSOFT, headers_by(SCHOOLSOFT, SEARCH, at=NOON), value, NOON + later)
    assert (judged.reason if isinstance(judged, Refusal) else None) == reason


def test_after_the_last_day_of_its_calendar_a_partner_is_silent() -> None:
    assert SCHOOLSOFT.calendar.until
    after = NOON.replace(year=2027, month=9)
    value = json.dumps(data_of(QUESTION, received_at="2027-09-23T10:00:00Z")).encode()
    judged = BORDER.judge(SCHOOLSOFT, headers_by(SCHOOLSOFT, QUESTION, at=after), value, after)
    assert refused(judged) == (RejectionReason.TYPE_NOT_ALLOWED, "type")


def test_what_was_judged_before_has_no_age() -> None:
    value = json.dumps(data_of(SEARCH)).encode()
    assert isinstance(BORDER.judge(SCHOOLSOFT, headers_by(SCHOOLSOFT, SEARCH), value, None), Accepted)


@pytest.mark.parametrize(
    ("sender", "type_", "changed", "field"),
    [
        (SCHOOLSOFT, SEARCH, {"days": ["MON", "SOMEDAY"]}, "days.1"),
        (SCHOOLSOFT, SEARCH, {"max_distance_km": "25"}, "max_distance_km"),
        (SCHOOLSOFT, SEARCH, {"programme": None}, "programme"),
        (SCHOOLSOFT, SEARCH, {"programme": "99999"}, "programme"),
        (SCHOOLSOFT, SEARCH, {"school": "99999"}, "school"),
        (SCHOOLSOFT, SEARCH, {"Jan Peeters": 1}, None),
        (SCHOOLSOFT, SEARCH, {"learner_reference": "Jan Peeters"}, "learner_reference"),
        (SCHOOLSOFT, SEARCH, {"learner_reference": NATIONAL_NUMBER}, "learner_reference"),
        (SCHOOLSOFT, SEARCH, {"started_on": "2026-11-24"}, "started_on"),
        (SCHOOLSOFT, SEARCH, {"started_on": "2025-11-01"}, "started_on"),
        (SCHOOLSOFT, QUESTION, {"topics": []}, "topics"),
        (SCHOOLSOFT, QUESTION, {"received_at": "9999-12-31T23:59:59Z"}, "received_at"),
        (SCHOOLSOFT, QUESTION, {"joint_committee": "999"}, "joint_committee"),
        (SCHOOLSOFT, AGREEMENT, {"ends_on": "2026-11-29"}, "ends_on"),
        (UNIZO, WORKPLACE, {"nis": "11002"}, "nis"),
        (SCHOOLSOFT, APPLICATION, {"school_year": "2027-2031"}, "school_year"),
        (SCHOOLSOFT, APPLICATION, {"institution": "900003"}, "institution"),
        (SCHOOLSOFT, APPLICATION, {"agodi_reference": "85_07_30_033_28"}, "agodi_reference"),
        (SCHOOLSOFT, SEARCH, {"learner_reference": "85:07:30:033:28"}, "learner_reference"),
        (SCHOOLSOFT, SEARCH, {"learner_reference": f"{NATIONAL_NUMBER}-{'a' * 21}"}, "learner_reference"),
    ],
)
def test_data_that_is_not_what_it_should_be_is_refused_by_field(
    sender: Partner, type_: str, changed: dict[str, Any], field: str | None
) -> None:
    assert refused(judge(sender, type_, **changed)) == (RejectionReason.INVALID_DATA, field)


def test_a_uuid_that_looks_like_a_national_number_is_a_reference() -> None:
    looks_like_one = f"{NATIONAL_NUMBER[:8]}-{NATIONAL_NUMBER[8:]}a-4000-8000-00000000000a"
    assert redact(looks_like_one).removed
    assert isinstance(judge(SCHOOLSOFT, SEARCH, learner_reference=looks_like_one), Accepted)


@pytest.mark.parametrize("value", [b"", b"null", b"[]", b"{", b"\xff", None])
def test_data_that_is_no_object_is_refused(value: bytes | None) -> None:
    judged = BORDER.judge(SCHOOLSOFT, headers_by(SCHOOLSOFT, SEARCH), value, NOON)
    assert refused(judged) == (RejectionReason.INVALID_DATA, None)


def test_what_is_absent_is_left_out_and_not_null() -> None:
    value = json.dumps(data_of(SEARCH) | {"subregion": None}).encode()
    judged = BORDER.judge(SCHOOLSOFT, headers_by(SCHOOLSOFT, SEARCH), value, NOON)
    assert refused(judged) == (RejectionReason.INVALID_DATA, "subregion")


def test_a_message_has_a_size() -> None:
    padding = b" " * LARGEST
    judged = BORDER.judge(SCHOOLSOFT, headers_by(SCHOOLSOFT, SEARCH), padding, NOON)
    assert refused(judged) == (RejectionReason.TOO_LARGE, None)


@pytest.mark.parametrize(
    ("header", "field"),
    [
        (("ce_time", b"yesterday"), "time"),
        (("ce_id", b""), "id"),
        (("ce_jan.peeters", None), None),
        (("ce_x", b"\xff"), None),
    ],
)
def test_an_attribute_that_is_wrong_is_named_when_it_is_one_of_ours(
    header: tuple[str, bytes | None], field: str | None
) -> None:
    rest = [one for one in headers_by(SCHOOLSOFT, SEARCH) if one[0] != header[0]]
    judged = BORDER.judge(SCHOOLSOFT, [*rest, header], b"{}", NOON)
    assert judged == Refusal(RejectionReason.INVALID_ENVELOPE, field)


@pytest.mark.parametrize("encoded", [False, True])
def test_a_message_in_structured_mode_is_judged_the_same(encoded: bool) -> None:
    data = data_of(SEARCH)
    body = {"data_base64": base64.b64encode(json.dumps(data).encode()).decode()} if encoded else {"data": data}
    document = {"specversion": "1.0", "id": "1", "source": SCHOOLSOFT.sources[0], "type": SEARCH} | body
    value = json.dumps(document | {"time": NOON.isoformat()}).encode()
    judged = BORDER.judge(SCHOOLSOFT, [("content-type", b"application/cloudevents+json")], value, NOON)
    assert isinstance(judged, Accepted)


def test_a_refusal_repeats_nothing_but_a_uuid_and_a_type_that_we_know() -> None:
    secret = "jan.peeters"
    headers = [(n, secret.encode() if n == "ce_id" else v) for n, v in headers_by(SCHOOLSOFT, SEARCH)]
    value = json.dumps(data_of(SEARCH) | {secret: secret}).encode()
    refusal = BORDER.judge(SCHOOLSOFT, headers, value, NOON)
    assert refusal == Refusal(RejectionReason.INVALID_DATA, None, SEARCH, None)
    id_ = uuid4()
    known = BORDER.judge(SCHOOLSOFT, headers_by(SCHOOLSOFT, SEARCH, id_=str(id_)), b"{}", NOON)
    assert isinstance(known, Refusal)
    assert known.message_id == id_


def test_a_reference_is_always_the_same_id_and_nobody_elses() -> None:
    assert id_of("vdab", "workplace", "1") == id_of("vdab", "workplace", "1")
    others = {id_of("unizo", "workplace", "1"), id_of("vdab", "learner", "1"), id_of("vdab", "workplace", "2")}
    assert len(others | {id_of("vdab", "workplace", "1")}) == 4


NAMES = st.text(max_size=8) | st.sampled_from([name for name, _ in headers_by(CLB, SEARCH)])
HEADERS = st.lists(st.tuples(NAMES, st.binary()))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text()
JSON = st.recursive(SCALARS, lambda more: st.lists(more) | st.dictionaries(st.text(), more), max_leaves=5)
FIELDS = st.sampled_from(sorted(data_of(AGREEMENT) | data_of(SEARCH) | data_of(QUESTION)))


@given(headers=HEADERS, value=st.none() | st.binary())
def test_whatever_comes_is_judged_and_never_an_error(headers: list[tuple[str, bytes]], value: bytes | None) -> None:
    assert isinstance(BORDER.judge(CLB, headers, value, NOON), Refusal)


@given(type_=st.sampled_from(SCHOOLSOFT.publishes), changed=st.dictionaries(FIELDS, JSON), at=st.datetimes())
def test_whatever_the_data_says_it_is_judged_and_never_an_error(
    type_: str, changed: dict[str, Any], at: datetime
) -> None:
    value = json.dumps(data_of(type_) | changed).encode()
    for time in (NOON, at.replace(tzinfo=UTC)):
        headers = headers_by(SCHOOLSOFT, type_, at=time)
        assert isinstance(BORDER.judge(SCHOOLSOFT, headers, value, NOON), Accepted | Refusal)
