"""The simulation bites: each mistake is found among the schedules that `make test` looks at."""

import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation import mutants
from tests.simulation.machines import Parts, PipelineMachine, RelayMachine, Simulation
from tests.simulation.profiles import DEFAULT

FIRST_FIND = settings(DEFAULT, phases=[Phase.generate], report_multiple_bugs=False, print_blob=False)

MUTANTS: list[tuple[type[Simulation], Parts]] = [
    (RelayMachine, Parts(transaction=mutants.ReadsBehindACursor)),
    (RelayMachine, Parts(relay=mutants.ForgetsBeforeTheAnswer)),
    (RelayMachine, Parts(relay=mutants.HoldsNothing)),
    (RelayMachine, Parts(relay=mutants.KeepsItsProducer)),
    (RelayMachine, Parts(transaction=mutants.PublishesBeforeTheCommit)),
    (PipelineMachine, Parts(transaction=mutants.HasNoInbox)),
    (PipelineMachine, Parts(transaction=mutants.KeepsTheSequenceOfARollback)),
    (PipelineMachine, Parts(transaction=mutants.ForgetsWhatIsParked)),
    (PipelineMachine, Parts(transaction=mutants.RedrivesInAnyOrder)),
]


@pytest.mark.parametrize(("machine", "parts"), MUTANTS)
def test_a_mistake_is_found(machine: type[Simulation], parts: Parts) -> None:
    tried = 0

    def mutant() -> Simulation:
        nonlocal tried
        tried += 1
        return machine(parts)

    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(mutant, settings=FIRST_FIND)  # type: ignore[arg-type]
    assert tried
