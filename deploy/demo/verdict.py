"""Did every promise hold? Computed from the databases, the topics and the mailbox, not from logs or metrics."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.event import Event
from contracts.intake import LearnerAtRisk, LearnerSearchStarted, QuestionReceived, WorkplaceRegistered
from contracts.matching import MatchLapsed, MatchProposed, ProposalPeriodEnded
from contracts.notifications import MessageFailed, MessageSent
from contracts.pof import ProgrammatieAnnounced, ProgrammatieSubmitted
from contracts.referral import ReferralCreated
from deploy.demo.drive import Answered
from deploy.demo.evidence import Evidence, Published


@dataclass(frozen=True, slots=True)
class Check:
    """One promise: on how many cases it was checked, and every violation."""

    promise: str
    checked: int
    broken: tuple[str, ...]

    @property
    def held(self) -> bool:
        """False also when nothing was checked, because then nothing was proven."""
        return self.checked > 0 and not self.broken


def judge(evidence: Evidence, answers: Sequence[Answered]) -> list[Check]:
    """Check every promise."""
    once = distinct(evidence.published)
    return [
        _accepted_is_published(once, answers, evidence),
        _one_referral_each(once, evidence),
        _sequences(evidence.published, once),
        _order(evidence.published),
        _no_effect_twice(evidence),
        _handled_exactly_once(once, evidence),
        _nothing_published_that_is_not_kept(once, evidence),
        _one_mail_per_message(once, evidence),
        _no_place_given_twice(evidence),
        _nothing_set_aside(evidence),
    ]


def distinct(published: Iterable[Published]) -> list[Published]:
    """Every event once: a relay that crashed between sending and deleting sends again, under the same id."""
    seen: dict[tuple[str, str], Published] = {}
    for one in published:
        seen.setdefault((one.envelope.source, one.envelope.id), one)
    return list(seen.values())


def of(kind: type[Event], published: Iterable[Published]) -> list[Event]:
    """The events of one type."""
    return [one.event for one in published if isinstance(one.event, kind)]


def _accepted_is_published(once: list[Published], answers: Sequence[Answered], evidence: Evidence) -> Check:
    ids: dict[str, tuple[type[Event], str]] = {
        "/questions": (QuestionReceived, "question_id"),
        "/risk-reports": (LearnerAtRisk, "risk_id"),
        "/learner-searches": (LearnerSearchStarted, "search_id"),
        "/workplaces": (WorkplaceRegistered, "workplace_id"),
        "/dossiers": (ProgrammatieAnnounced, "dossier_id"),
    }
    published = {
        path: Counter(str(getattr(event, name)) for event in of(kind, once)) for path, (kind, name) in ids.items()
    }
    accepted = [
        (a.request.path, a.body[ids[a.request.path][1]]) for a in answers if a.accepted and a.request.path in ids
    ]
    broken = [f"{path} {id_}: {published[path][id_]} events" for path, id_ in accepted if published[path][id_] != 1]
    cases = Counter[object](
        event.case_id for event in of(QuestionReceived, once) if isinstance(event, QuestionReceived)
    )
    linked = {row["token_hash"]: row["case_id"] for row in evidence.rows.get("intake.case_links", ())}
    forms = [cases[linked.get(a.body["link"])] for a in answers if a.accepted and a.request.is_form]
    broken += [f"a form: {events} events" for events in forms if events != 1]
    number = len(accepted) + len(forms)
    more = sum(counted.total() for counted in published.values()) - number
    broken += [f"{more} events that nobody asked for"] if more else []
    return Check("every accepted request is published exactly once", number, tuple(broken))


def _one_referral_each(once: list[Published], evidence: Evidence) -> Check:
    wanted: list[UUID] = [one.event.question_id for one in once if isinstance(one.event, QuestionReceived)]
    wanted += [one.event.risk_id for one in once if isinstance(one.event, LearnerAtRisk)]
    events = [one.event for one in once if isinstance(one.event, ReferralCreated)]
    published: Counter[UUID | None] = Counter(event.question_id or event.risk_id for event in events)
    kept = Counter(row["question_id"] or row["risk_id"] for row in evidence.rows["referral.referrals"])
    broken = [
        f"{id_}: {published[id_]} published, {kept[id_]} kept"
        for id_ in wanted
        if (published[id_], kept[id_]) != (1, 1)
    ]
    return Check("every question and every risk has exactly one referral", len(wanted), tuple(broken))


def _sequences(published: list[Published], once: list[Published]) -> Check:
    by_key: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in once:
        by_key[one.topic, one.key].append(one.envelope.sequence or 0)
    broken = [
        f"{topic} {key}: {sequence}"
        for (topic, key), sequence in by_key.items()
        if sorted(sequence) != list(range(1, len(sequence) + 1))
    ]
    keys = {(one.topic, one.key) for one in published}
    return Check("every sequence per key is contiguous from 1", len(keys), tuple(broken))


def _order(published: list[Published]) -> Check:
    """The first appearances of events have to be in order; a repetition may come at any time."""
    last: dict[tuple[str, str], int] = defaultdict(int)
    broken = []
    for one in sorted(published, key=_position):
        at = one.envelope.sequence or 0
        if at == last[one.topic, one.key] + 1:
            last[one.topic, one.key] = at
        elif at > last[one.topic, one.key]:
            broken.append(f"{one.place}: {at} after {last[one.topic, one.key]}")
    return Check("no key was reordered", len(published), tuple(broken))


def _position(one: Published) -> tuple[str, int, int]:
    topic, partition, offset = one.place.split("/")
    return topic, int(partition), int(offset)


def _no_effect_twice(evidence: Evidence) -> Check:
    effects: dict[str, Callable[[dict[str, object]], object]] = {
        "referral.referrals": lambda row: (row["question_id"], row["risk_id"]),
        "notifications.messages": lambda row: (row["template"], row["recipient"], row["about"]),
        "intake.learners": lambda row: row["school_reference"],
        "pof.dossiers": lambda row: row["natural_key"],
    }
    broken = []
    checked = 0
    for table, effect in effects.items():
        counted = Counter(effect(row) for row in evidence.rows[table])
        checked += counted.total()
        broken += [f"{table}: {what} {number} times" for what, number in counted.items() if number > 1]
    return Check("no effect happened twice", checked, tuple(broken))


CONSUMES: dict[str, tuple[type[Event], ...]] = {
    "intake": (ReferralCreated,),
    "referral": (QuestionReceived, LearnerAtRisk),
    "matching": (WorkplaceRegistered, LearnerSearchStarted, LearnerAtRisk, ProposalPeriodEnded),
    "notifications": (QuestionReceived, ReferralCreated, MatchProposed, ProgrammatieSubmitted, LearnerAtRisk),
    "pof": (WorkplaceRegistered, LearnerSearchStarted),
}


def _handled_exactly_once(once: list[Published], evidence: Evidence) -> Check:
    broken = []
    checked = 0
    for service, kinds in CONSUMES.items():
        wanted = {(p.envelope.source, p.envelope.id) for p in once if isinstance(p.event, kinds)}
        handled = {(row["source"], row["event_id"]) for row in evidence.rows[f"{service}.inbox"]}
        checked += len(wanted)
        broken += [f"{service} never handled {source} {id_}" for source, id_ in wanted - handled]
        broken += [f"{service} handled {source} {id_}, which is on no topic" for source, id_ in handled - wanted]
    return Check("every event was handled by every service that consumes it", checked, tuple(broken))


def _nothing_published_that_is_not_kept(once: list[Published], evidence: Evidence) -> Check:
    kept = {
        QuestionReceived: ("intake.cases", "case_id"),
        WorkplaceRegistered: ("intake.workplaces", "workplace_id"),
        LearnerSearchStarted: ("intake.learners", "learner_id"),
        LearnerAtRisk: ("intake.learners", "learner_id"),
        ReferralCreated: ("referral.referrals", "referral_id"),
        MatchProposed: ("matching.learner_searches", "learner_id"),
        MatchLapsed: ("matching.learner_searches", "learner_id"),
        MessageSent: ("notifications.messages", "message_id"),
        MessageFailed: ("notifications.messages", "message_id"),
        ProgrammatieAnnounced: ("pof.dossiers", "dossier_id"),
        ProgrammatieSubmitted: ("pof.dossiers", "dossier_id"),
    }
    versions = {table: {row["id"]: row["version"] for row in evidence.rows[table]} for table, _ in kept.values()}
    most: Counter[tuple[str, object]] = Counter()
    for one in once:
        if type(one.event) in kept:
            table, name = kept[type(one.event)]
            most[table, getattr(one.event, name)] += 1
    broken = [
        f"{table} {id_}: {number} events, version {versions[table].get(id_)}"
        for (table, id_), number in most.items()
        if versions[table].get(id_) != number
    ]
    return Check("what is published is what is kept: as many events as the version says", len(most), tuple(broken))


def _one_mail_per_message(once: list[Published], evidence: Evidence) -> Check:
    sent = Counter(str(one.event.message_id) for one in once if isinstance(one.event, MessageSent))
    mails = Counter({id_.strip("<>").partition("@")[0]: number for id_, number in evidence.mails.items()})
    kept = {str(row["id"]) for row in evidence.rows["notifications.messages"] if row["status"] == "SENT"}
    broken = [
        f"message {id_}: {sent[id_]} events, {mails[id_]} mails" for id_ in kept if (sent[id_], mails[id_]) != (1, 1)
    ]
    broken += [f"mail {id_} belongs to no message that was sent" for id_ in mails.keys() - kept]
    return Check("every message that was sent is one mail and one event", len(kept), tuple(broken))


def _no_place_given_twice(evidence: Evidence) -> Check:
    proposed = Counter(
        one.event.workplace_id for one in distinct(evidence.published) if isinstance(one.event, MatchProposed)
    )
    places = {row["id"]: row["open_positions"] for row in evidence.rows["matching.workplaces"]}
    broken = [
        f"workplace {id_}: {n} proposals for {places.get(id_)} places"
        for id_, n in proposed.items()
        if n > places.get(id_, 0)
    ]
    return Check("no workplace was proposed to more learners than it has places", len(proposed), tuple(broken))


def _nothing_set_aside(evidence: Evidence) -> Check:
    tables = [table for table in evidence.rows if table.endswith(".dead_letters")]
    broken = [f"{table}: {row['reason']} {row['detail']}" for table in tables for row in evidence.rows[table]]
    return Check("nothing was set aside", len(tables), tuple(broken))
