"""What happened to a case, for the bottom of its page: from the audit, and from what referral told."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from chassis.actors import Way
from chassis.handling import BRUSSELS
from services.intake.adapters.words import Labels
from services.intake.application.disclosures import Reading
from services.intake.application.queries import AuditView, CaseView, ReferralView

DONE = {
    "AskQuestion": "Vraag gesteld",
    "WithdrawCase": "Vraag ingetrokken",
    "MakeLink": "Private link gemaakt",
    Reading.CONTACT: "Naam en contact bekeken",
    Reading.WORDS: "Vraag gelezen",
}
BY = {Way.PUBLIC: "op de website", Way.LINK: "met de private link", Way.API: "met een programma"}


@dataclass(frozen=True, slots=True)
class Step:
    """One line."""

    at: datetime
    text: str


def time_line_of(case: CaseView, rows: Iterable[AuditView], labels: Labels) -> list[Step]:
    """Newest first; of one moment, what followed from the other first.

    That colleagues read the question is left out here; the auditor sees it.
    """
    asked = {one.id for one in case.questions}
    done = [
        Step(row.at, f"{DONE.get(row.action, row.action)} {who(row, labels)}")
        for row in rows
        # A question changes its case and the vault: one line is enough.
        if row.action != Reading.WORDS and (row.action != "AskQuestion" or row.about not in asked)
    ]
    referred = [step for referral in case.referrals for step in reversed([*_steps_of(referral, labels)])]
    return sorted(_seen_once(referred + done), key=lambda step: step.at, reverse=True)


def who(row: AuditView, labels: Labels) -> str:
    """Who did it, without a name: the login provider knows those."""
    if row.way in BY:
        return BY[Way(row.way)]
    roles = " en ".join(labels.of("user", role).lower() for role in row.roles.split())
    return f"door {roles or 'iemand'} {row.actor[:8]}"


def _steps_of(referral: ReferralView, labels: Labels) -> Iterator[Step]:
    service = labels.of("service", referral.service_id)
    kind = labels.of("referral_kind", referral.kind)
    yield Step(referral.created_at, f"{kind}: {service} · regel {referral.rule_id}")
    if referral.acknowledged_on:
        yield Step(_moment(referral.acknowledged_on, referral), f"{service} nam kennis en pakt het op")
    if referral.closed_on:
        outcome = labels.of("referral_outcome", referral.outcome or "UNKNOWN")
        yield Step(_moment(referral.closed_on, referral), f"{service} rondde af: {outcome.lower()}")


def _moment(on: date, referral: ReferralView) -> datetime:
    """Partners tell a day: noon of it, but not before they were asked."""
    return max(datetime.combine(on, time(12), BRUSSELS), referral.created_at)


def _seen_once(steps: list[Step]) -> list[Step]:
    return [*dict.fromkeys(steps)]
