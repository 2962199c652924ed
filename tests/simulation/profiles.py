"""How far to look: as far as `make test` has time for, or `SIMULATION=long`."""

import os

from hypothesis import HealthCheck, Phase, settings

PHASES = [Phase.explicit, Phase.generate, Phase.shrink]
_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]

DEFAULT = settings(
    max_examples=100,
    stateful_step_count=50,
    deadline=None,
    phases=PHASES,
    derandomize=True,
    print_blob=True,
    suppress_health_check=_QUIET,
)
"""The same schedules on every run, so that a change that breaks nothing never fails."""

LONG = settings(DEFAULT, max_examples=1_000, stateful_step_count=100, derandomize=False)
"""Other schedules on every run."""

PROFILE = LONG if os.environ.get("SIMULATION") == "long" else DEFAULT
