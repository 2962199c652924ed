"""The simulation can fail: each mutant is found among the first schedules."""

import pytest
from hypothesis import seed
from hypothesis.stateful import run_state_machine_as_test

from tests.simulation import mutants
from tests.simulation.machines import Parts, PipelineMachine, RelayMachine, Simulation
from tests.simulation.profiles import FIRST_FIND, SEED

MUTANTS: list[tuple[type[Simulation], Parts, str]] = [
    (RelayMachine, Parts(outbox=mutants.ReadsBehindACursor), "does not come to rest"),
    (RelayMachine, Parts(outbox=mutants.ForgetsBeforeTheAnswer), "neither in the outbox nor in the log"),
    (RelayMachine, Parts(outbox=mutants.HoldsNothing), "does not come to rest"),
    (RelayMachine, Parts(outbox=mutants.HoldsOneRecord), "came after|does not come to rest"),
    (RelayMachine, Parts(relay=mutants.HoldsAllEquallyLong), "does not come to rest"),
    (RelayMachine, Parts(relay=mutants.KeepsItsProducer), "does not come to rest"),
    (RelayMachine, Parts(relay=mutants.PublishesDirectlyBeforeTheCommit), "never committed"),
    (RelayMachine, Parts(relay=mutants.DeletesWhatIsUnderWay), "neither in the outbox nor in the log"),
    (RelayMachine, Parts(producer=mutants.DoesNotWaitForTheAnswer), "came after"),
    (RelayMachine, Parts(lead=mutants.LeadsOnAnotherConnection), "does not lead"),
    (RelayMachine, Parts(transaction=mutants.PublishesBeforeTheCommit), "never committed"),
    (PipelineMachine, Parts(transaction=mutants.HasNoInbox), "published"),
    (PipelineMachine, Parts(transaction=mutants.TakesWhatIsSetAsideForHandled), "published|did not get to the end"),
    (PipelineMachine, Parts(transaction=mutants.KeepsTheSequenceOfARollback), "published"),
    (PipelineMachine, Parts(transaction=mutants.ForgetsWhatIsParked), "published"),
    (PipelineMachine, Parts(transaction=mutants.RedrivesInAnyOrder), "published"),
    (PipelineMachine, Parts(executor=mutants.ExecutesWhatIsParked), "published"),
    (PipelineMachine, Parts(executor=mutants.ExecutesWhatIsKnown), "published"),
    (PipelineMachine, Parts(executor=mutants.KeepsWhatOthersDid), "published|did not get to the end"),
    (PipelineMachine, Parts(pipeline=mutants.OvertakesWhatIsApart), "published"),
    (PipelineMachine, Parts(pipeline=mutants.DecidesInAnyOrder), "published"),
]


@pytest.mark.parametrize(("machine", "parts", "message"), MUTANTS, ids=[str(parts) for _, parts, _ in MUTANTS])
def test_a_mistake_is_found(machine: type[Simulation], parts: Parts, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        run_state_machine_as_test(seed(SEED)(lambda: machine(parts)), settings=FIRST_FIND)  # type: ignore[arg-type]
