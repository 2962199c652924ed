"""The guarantees of the chassis hold in every interleaving that was tried."""

import pytest
from hypothesis import seed
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation.machines import Parts, PipelineMachine, RelayMachine, ServiceMachine, Simulation
from tests.simulation.profiles import PROFILE, SEED


@pytest.mark.parametrize("machine", [RelayMachine, PipelineMachine, ServiceMachine])
def test_every_guarantee_holds_in_every_interleaving(machine: type[Simulation]) -> None:
    run_state_machine_as_test(seed(SEED)(lambda: machine(Parts())), settings=PROFILE)  # type: ignore[arg-type]
