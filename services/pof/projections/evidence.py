"""Counts demand and supply for a dossier, from the workplaces and learners that were loaded for it."""

from collections.abc import Iterable
from datetime import date

from contracts.pof import Evidence
from services.pof.projections.learner import SearchingLearner
from services.pof.projections.workplace import RegisteredWorkplace


def count_evidence(
    workplaces: Iterable[RegisteredWorkplace], learners: Iterable[SearchingLearner], on: date
) -> Evidence:
    """Demand and supply on that day."""
    offered = [workplace for workplace in workplaces if workplace.counts_on(on)]
    return Evidence(
        counted_on=on,
        workplaces_registered=len(offered),
        open_positions=sum(workplace.open_positions for workplace in offered),
        learners_searching=sum(learner.counts_on(on) for learner in learners),
    )
