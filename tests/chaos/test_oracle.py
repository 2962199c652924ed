"""The oracle on histories made by hand: a good one has no violation, and each broken one has the right one."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.chaos.oracle import Evidence, Published, Violation, judge, judge_while_down
from tests.chaos.traffic import Draft, Kind, Sent, Traffic

Change = Callable[[Evidence], Evidence]

TRAFFIC = Traffic(seed=1)
ACCOUNT = TRAFFIC.accounts[0]
DEPOSITS = [TRAFFIC.deposit(ACCOUNT) for _ in range(4)]
POISON = Draft(Kind.POISON, str(ACCOUNT).encode(), (), b"{")


def good() -> Evidence:
    """Three deposits, one of them delivered twice, then a bad record and a deposit that is parked behind it."""
    amounts = [draft.deposit.amount for draft in DEPOSITS if draft.deposit]
    records = [DEPOSITS[0], DEPOSITS[1], DEPOSITS[1], DEPOSITS[2], POISON, DEPOSITS[3]]
    events = [
        Published(0, at, f"event-{at}", DEPOSITS[at].id, ACCOUNT, at + 1, at + 1, sum(amounts[: at + 1]))
        for at in range(3)
    ]
    return Evidence(
        sent=[Sent(draft, 0, offset) for offset, draft in enumerate(records)],
        inbox={draft.id for draft in DEPOSITS[:3]},
        refused={(0, 4), (0, 5)},
        accounts={ACCOUNT: (3, sum(amounts[:3]))},
        published=events,
        committed={0: 6},
        ends={0: 6},
    )


def without_effect(evidence: Evidence) -> Evidence:
    return replace(evidence, accounts={}, published=[])


def in_another_order(evidence: Evidence) -> Evidence:
    first, second, third = evidence.published
    return replace(evidence, published=[first, replace(third, offset=1), replace(second, offset=2)])


def one_event_too_many(evidence: Evidence) -> Evidence:
    ghost = replace(evidence.published[-1], offset=3, id="ghost", cause="nobody", sequence=4, number=4)
    return replace(evidence, published=[*evidence.published, ghost])


def counted_twice(evidence: Evidence) -> Evidence:
    ((account, (version, balance)),) = evidence.accounts.items()
    return replace(evidence, accounts={account: (version + 1, balance + 1)})


def two_events_of_one_deposit(evidence: Evidence) -> Evidence:
    again = replace(evidence.published[-1], offset=3, id="another", sequence=4, number=3)
    return replace(evidence, published=[*evidence.published, again])


def sent_again(evidence: Evidence) -> Evidence:
    return replace(evidence, published=[*evidence.published, replace(evidence.published[0], offset=3)])


BREAKS: dict[str, tuple[Change, Violation]] = {
    "no effect at all": (without_effect, Violation.LOST),
    "never handled": (lambda e: replace(e, inbox=e.inbox - {DEPOSITS[0].id}), Violation.LOST),
    "never published": (lambda e: replace(e, published=e.published[:-1]), Violation.LOST),
    "published, not kept": (one_event_too_many, Violation.GHOST),
    "counted twice": (counted_twice, Violation.DOUBLED),
    "two events of one deposit": (two_events_of_one_deposit, Violation.DOUBLED),
    "out of order": (in_another_order, Violation.REORDERED),
    "committed too far": (lambda e: replace(e, inbox=e.inbox - {DEPOSITS[2].id}), Violation.SKIPPED),
    "accepted and refused": (lambda e: replace(e, refused=e.refused | {(0, 3)}), Violation.MISCOUNTED),
    "not refused": (lambda e: replace(e, refused={(0, 5)}), Violation.MISCOUNTED),
    "overtaken": (lambda e: replace(e, inbox=e.inbox | {DEPOSITS[3].id}), Violation.MISCOUNTED),
    "one more on the topic": (lambda e: replace(e, ends={0: 7}), Violation.MISCOUNTED),
    "not consumed": (lambda e: replace(e, committed={0: 5}), Violation.BEHIND),
    "not sent on": (lambda e: replace(e, waiting=1), Violation.BEHIND),
    "sent again": (sent_again, Violation.REPEATED),
}


def test_a_good_history_breaks_nothing() -> None:
    assert judge(good(), calm=True) == []


@pytest.mark.parametrize("name", BREAKS)
def test_each_break_is_found_as_its_violation(name: str) -> None:
    change, violation = BREAKS[name]
    assert violation in {broken.violation for broken in judge(change(good()), calm=True)}


def test_a_crash_excuses_sending_again_and_nothing_else() -> None:
    assert judge(sent_again(good())) == []


def test_while_it_is_down_what_is_unfinished_is_no_break() -> None:
    half = replace(good(), inbox=set(), refused=set(), accounts={}, published=[], committed={}, waiting=3)
    assert judge_while_down(half) == []


def test_what_broke_is_named_with_keys_and_ids() -> None:
    broken = judge(replace(good(), published=good().published[:-1]))
    assert all(str(ACCOUNT) in one.detail and DEPOSITS[2].id in one.detail for one in broken)
