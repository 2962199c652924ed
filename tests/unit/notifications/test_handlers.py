"""Which organisations get a mail for an event."""

import pytest

from chassis.testing.builders import a_context
from chassis.testing.scenario import Scenario
from contracts.event import Event
from contracts.vocabulary import Channel, ReferralKind, Severity
from services.notifications.application.handlers import Handlers
from services.notifications.domain.letters import Template
from services.notifications.domain.message import Message
from tests.builders import a_learner_at_risk, a_match, a_question, a_referral, a_submitted_dossier, some_evidence
from tests.unit.notifications.messages import a_message_for, messages_for


def recipients_of(event: Event) -> list[str]:
    return [message.recipient for message in messages_for(event)]


@pytest.mark.parametrize("kind", [kind for kind in ReferralKind if kind is not ReferralKind.UNKNOWN])
def test_the_mail_of_a_referral_of_any_kind_goes_to_the_service_that_is_asked(kind: ReferralKind) -> None:
    assert recipients_of(a_referral(kind=kind, service_id="clb-brugge")) == ["clb-brugge"]


def test_the_mail_of_a_match_goes_to_the_school_that_decides() -> None:
    assert recipients_of(a_match(school="34462")) == ["34462"]


def test_the_mail_of_a_risk_goes_to_the_school() -> None:
    assert recipients_of(a_learner_at_risk(severity=Severity.AMBER)) == ["34074"]


def test_the_mail_of_an_urgent_risk_goes_to_the_steunpunt_too() -> None:
    assert recipients_of(a_learner_at_risk(severity=Severity.RED)) == ["34074", "steunpunt"]


def test_the_mail_of_an_application_goes_to_the_secretariat_of_the_overlegforum_and_to_the_school() -> None:
    assert recipients_of(a_submitted_dossier()) == ["pof-secretariaat", "34074"]


def test_who_asked_on_the_website_gets_a_receipt() -> None:
    (message,) = messages_for(a_question(channel=Channel.WEB))
    assert (message.template, message.recipient) == (Template.RECEIPT, "asker")


@pytest.mark.parametrize("channel", [Channel.MAIL, Channel.TELEFOON, Channel.BALIE, Channel.PARTNER])
def test_who_asked_in_another_way_gets_no_receipt(channel: Channel) -> None:
    assert messages_for(a_question(channel=channel)) == []


def test_the_messages_of_one_event_differ_in_id_and_recipient_only() -> None:
    school, steunpunt = messages_for(a_learner_at_risk())
    assert school.id != steunpunt.id
    assert (school.template, school.about, school.parameters) == (
        steunpunt.template,
        steunpunt.about,
        steunpunt.parameters,
    )


def test_the_same_event_makes_messages_with_the_same_ids() -> None:
    event, ctx = a_learner_at_risk(), a_context()
    first, second = Scenario(Handlers()), Scenario(Handlers())
    first.when(event, ctx)
    second.when(event, ctx)
    assert [one.id for one in first.all(Message)] == [one.id for one in second.all(Message)]


@pytest.mark.parametrize(
    ("event", "template", "about"),
    [
        (referral := a_referral(), Template.REFERRAL, referral.referral_id),
        (match := a_match(), Template.MATCH, match.proposal_id),
        (risk := a_learner_at_risk(), Template.RISK, risk.risk_id),
        (question := a_question(), Template.RECEIPT, question.question_id),
        (dossier := a_submitted_dossier(), Template.PROGRAMMATIE, dossier.dossier_id),
    ],
)
def test_a_message_has_the_id_of_what_it_is_about(event: Event, template: Template, about: object) -> None:
    message = a_message_for(event)
    assert (message.template, message.about) == (template, about)


def test_who_the_learner_is_is_not_kept_not_even_as_a_pseudonym() -> None:
    risk, match = a_learner_at_risk(), a_match()
    assert str(risk.learner_id) not in dict(a_message_for(risk).parameters).values()
    assert str(match.learner_id) not in dict(a_message_for(match).parameters).values()


@pytest.mark.parametrize(("searching", "kept"), [(0, None), (4, None), (5, "5"), (30, "30")])
def test_a_number_of_learners_below_five_is_not_kept(searching: int, kept: str | None) -> None:
    event = a_submitted_dossier(evidence=some_evidence(learners_searching=searching))
    assert dict(a_message_for(event).parameters).get("learners") == kept
