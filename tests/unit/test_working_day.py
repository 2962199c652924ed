"""How long the supervisor waits, and what is read from metrics."""

from chassis.observability.metrics import Metrics
from deploy.local.supervisor import BackOff
from deploy.status import figures_in


def died_at(back_off: BackOff, now: float) -> float:
    """How many seconds pass until it is started again."""
    waited = 0.0
    while not back_off.is_due(now + waited):
        waited += 0.5
    back_off.tried()
    return waited


def test_what_dies_again_and_again_is_started_later_and_later() -> None:
    back_off = BackOff()
    assert [died_at(back_off, 100.0 * n) for n in range(7)] == [1, 2, 4, 8, 16, 30, 30]


def test_a_minute_of_health_makes_it_quick_again() -> None:
    back_off = BackOff()
    assert died_at(back_off, 0) == 1
    back_off.runs(2)
    back_off.runs(61)
    assert died_at(back_off, 62) == 2
    back_off.runs(70)
    back_off.runs(130)
    assert died_at(back_off, 131) == 1


def test_figures_are_summed_over_topics_and_what_is_not_said_is_unknown() -> None:
    metrics = Metrics()
    metrics.consumer_lag.labels("referral", "one").set(3)
    metrics.consumer_lag.labels("referral", "two").set(4)
    metrics.dead_letters_open.labels("referral").set(0)
    metrics.parked_records.labels("referral").set(float("nan"))
    assert figures_in(metrics.exposition().decode()) == {
        "records_behind": 7,
        "dead_letters_open": 0,
        "records_parked": None,
        "outbox_unpublished": None,
        "outbox_oldest_seconds": None,
    }
