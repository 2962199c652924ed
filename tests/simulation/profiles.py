"""How many schedules to try: few in `make test`, more than ten times as many with `SIMULATION=long`.

The first tries the same schedules on every run, so that an unrelated change never fails; the second tries other ones
each time. `SEED=` repeats the schedules of a seed.
"""

import os
from random import randrange

from hypothesis import HealthCheck, Phase, settings

LONG = os.environ.get("SIMULATION") == "long"
SEED = int(os.environ.get("SEED") or (randrange(1_000_000) if LONG else 4))

PROFILE = settings(
    max_examples=1_000 if LONG else 60,
    stateful_step_count=40 if LONG else 20,
    phases=[Phase.generate, Phase.shrink],
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)

FIRST_FIND = settings(PROFILE, max_examples=300, phases=[Phase.generate], report_multiple_bugs=False)
"""For the mutants: a failing schedule need not be shrunk, because the mistake is known."""
