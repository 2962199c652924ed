"""Live means progress, ready means that every dependency is available; the test moves the clock."""

from dataclasses import dataclass

import pytest

from chassis.observability.health import Health


@dataclass
class Clock:
    """A clock that moves only when a test moves it."""

    seconds: float = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(stuck_after=120, clock=clock)


def test_a_process_is_ready_when_every_part_that_it_expects_is_up(health: Health) -> None:
    health.expect("relay")
    health.expect("consumer")
    health.progress("relay")
    assert health.not_ready == ["consumer"]
    health.progress("consumer")
    assert health.not_ready == []


def test_a_part_that_lost_something_makes_it_unready_until_it_is_found(health: Health) -> None:
    health.lost("dependency")
    assert health.not_ready == ["dependency"]
    health.found("dependency")
    assert health.not_ready == []


def test_a_part_without_progress_for_too_long_is_stuck(health: Health, clock: Clock) -> None:
    health.progress("relay")
    clock.seconds = 120
    assert health.stuck == []
    clock.seconds = 121
    assert health.stuck == ["relay"]
    health.progress("relay")
    assert health.stuck == []


def test_a_part_that_never_came_up_is_not_ready_but_not_stuck(health: Health, clock: Clock) -> None:
    health.expect("consumer")
    clock.seconds = 1_000
    assert (health.stuck, health.not_ready) == ([], ["consumer"])


def test_what_was_found_again_is_not_watched_for_progress(health: Health, clock: Clock) -> None:
    health.lost("dependency")
    health.found("dependency")
    clock.seconds = 1_000
    assert health.stuck == []
