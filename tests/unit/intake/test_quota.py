"""The quota of messages per partner and minute; a message that was accepted is accepted again."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.testing.builders import NOON
from services.intake.application.quota import MINUTES, Quotas

MINUTE = timedelta(minutes=1)


@given(quota=st.integers(1, 20), sent=st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 3), st.integers(0, 99))))
def test_of_every_minute_and_partner_no_more_than_the_quota_comes_in(
    quota: int, sent: list[tuple[str, int, int]]
) -> None:
    quotas = Quotas()
    answers = {one: quotas.admit(one[0], quota, NOON + one[1] * MINUTE, [str(one[2])]) for one in dict.fromkeys(sent)}
    for partner, minute in {(one[0], one[1]) for one in sent}:
        of_these = [answer for (who, when, _), answer in answers.items() if (who, when) == (partner, minute)]
        assert sum(of_these) == min(quota, len(of_these))
    assert {one: quotas.admit(one[0], quota, NOON + one[1] * MINUTE, [str(one[2])]) for one in answers} == answers


def test_several_at_once_come_in_together_or_not_at_all() -> None:
    quotas = Quotas()
    assert not quotas.admit("a", 2, NOON, ["1", "2", "3"])
    assert quotas.admit("a", 2, NOON, ["1", "2"])


def test_the_minutes_of_a_partner_that_are_long_past_are_forgotten() -> None:
    quotas = Quotas()
    assert [quotas.admit("a", 1, NOON + n * MINUTE, ["1"]) for n in range(MINUTES)] == [True] * MINUTES
    assert not quotas.admit("a", 1, NOON, ["2"])
    assert quotas.admit("a", 1, NOON + MINUTES * MINUTE, ["1"])
    assert quotas.admit("a", 1, NOON, ["2"])


@pytest.mark.parametrize(("second", "left"), [(0, 60), (59, 1), (59.9, 1), (30.5, 30)])
def test_until_the_next_minute_is_at_least_a_second(second: float, left: int) -> None:
    assert Quotas.seconds_left(NOON + timedelta(seconds=second)) == left
