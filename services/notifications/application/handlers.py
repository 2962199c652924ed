"""What notifications does about each event: it only writes down who has to be told. Mail goes out in a second step."""

from chassis.handling import MessageContext, handles
from chassis.unit_of_work import UnitOfWork
from contracts.intake import LearnerAtRisk
from contracts.matching import MatchProposed
from contracts.pof import ProgrammatieSubmitted
from contracts.referral import ReferralCreated
from services.notifications.domain import letters
from services.notifications.domain.letters import Letter
from services.notifications.domain.message import Message


class Handlers:
    """Notifications' handlers; they need nothing besides their store."""

    @handles(ReferralCreated)
    def tell_partner(self, event: ReferralCreated, uow: UnitOfWork, ctx: MessageContext) -> None:
        """A referral is told to the service that it goes to."""
        queue(letters.about_referral(event), uow, ctx)

    @handles(MatchProposed)
    def tell_school_of_match(self, event: MatchProposed, uow: UnitOfWork, ctx: MessageContext) -> None:
        """A proposal is told to the school that decides about it."""
        queue(letters.about_match(event), uow, ctx)

    @handles(LearnerAtRisk)
    def tell_school_of_risk(self, event: LearnerAtRisk, uow: UnitOfWork, ctx: MessageContext) -> None:
        """A risk is told to the school, and an urgent one to the Steunpunt too."""
        queue(letters.about_risk(event), uow, ctx)

    @handles(ProgrammatieSubmitted)
    def tell_overlegforum(self, event: ProgrammatieSubmitted, uow: UnitOfWork, ctx: MessageContext) -> None:
        """An application is told to the secretariat of the overlegforum and to the school."""
        queue(letters.about_programmatie(event), uow, ctx)


def queue(letter: Letter, uow: UnitOfWork, ctx: MessageContext) -> None:
    """One message per recipient, each with an id that follows from the event."""
    for recipient in letter.recipients:
        id_ = ctx.new_id(f"message/{recipient}")
        uow.add(Message.queue(id_, recipient, letter, ctx.correlation, ctx.time))
