"""What notifications does for each event: it only queues messages. An outbound action sends them after the commit."""

from chassis.handling import MessageContext, handles
from chassis.unit_of_work import UnitOfWork
from contracts.intake import LearnerAtRisk, QuestionReceived
from contracts.matching import MatchProposed
from contracts.pof import ProgrammatieSubmitted
from contracts.referral import ReferralCreated
from contracts.vocabulary import Channel
from services.notifications.domain import letters
from services.notifications.domain.letters import Letter
from services.notifications.domain.message import Message


class Handlers:
    """Notifications' handlers; they need nothing besides their store."""

    @handles(ReferralCreated)
    def queue_referral(self, event: ReferralCreated, uow: UnitOfWork, ctx: MessageContext) -> None:
        """A mail about a referral goes to the partner's service that is asked."""
        queue(letters.about_referral(event), uow, ctx)

    @handles(MatchProposed)
    def queue_match(self, event: MatchProposed, uow: UnitOfWork, ctx: MessageContext) -> None:
        """A mail about a proposal goes to the school that decides on it."""
        queue(letters.about_match(event), uow, ctx)

    @handles(LearnerAtRisk)
    def queue_risk(self, event: LearnerAtRisk, uow: UnitOfWork, ctx: MessageContext) -> None:
        """A mail about a risk goes to the school, and when the risk is urgent to the Steunpunt too."""
        queue(letters.about_risk(event), uow, ctx)

    @handles(ProgrammatieSubmitted)
    def queue_programmatie(self, event: ProgrammatieSubmitted, uow: UnitOfWork, ctx: MessageContext) -> None:
        """A mail about an application goes to the secretariat of the overlegforum and to the school."""
        queue(letters.about_programmatie(event), uow, ctx)


class ReceiptHandlers:
    """The handler of letters to people: only where their addresses can be asked for."""

    @handles(QuestionReceived)
    def queue_receipt(self, event: QuestionReceived, uow: UnitOfWork, ctx: MessageContext) -> None:
        """Who asked on the website gets a mail; by telephone or at the desk somebody says it."""
        if event.channel is Channel.WEB:
            queue(letters.about_question(event), uow, ctx)


def queue(letter: Letter, uow: UnitOfWork, ctx: MessageContext) -> None:
    """Queue one message per recipient, each with an id that follows from the event."""
    for recipient in letter.recipients:
        id_ = ctx.new_id(f"message/{recipient}")
        uow.add(Message.queue(id_, recipient, letter, ctx.correlation, ctx.time))
