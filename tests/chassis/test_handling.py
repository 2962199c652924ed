"""How a handler is declared: what cannot work is refused before the first record."""

from datetime import timedelta

import pytest

from chassis.handling import MessageContext, handlers_of, handles
from chassis.testing.builders import NOON, a_context
from chassis.unit_of_work import UnitOfWork
from tests.chassis.tally import Count, Counted, GroupCounted, Handlers, Tally


def test_every_marked_method_is_a_handler_and_nothing_else_is() -> None:
    assert set(handlers_of(Handlers())) == {Counted, GroupCounted, Count}


def test_a_message_has_one_handler() -> None:
    class Two:
        @handles(Counted)
        def one(self, event: Counted, uow: UnitOfWork, ctx: MessageContext) -> None: ...

        @handles(Counted)
        def other(self, event: Counted, uow: UnitOfWork, ctx: MessageContext) -> None: ...

    with pytest.raises(TypeError, match="two handlers: one and other"):
        handlers_of(Two())


def test_a_handler_that_nobody_would_await_is_refused() -> None:
    async def count(_: object, event: Counted, uow: UnitOfWork, ctx: MessageContext) -> None: ...

    with pytest.raises(TypeError, match="count: a handler is synchronous"):
        handles(Counted)(count)


def test_ids_follow_from_the_message_and_the_name_alone() -> None:
    message = a_context()
    again = MessageContext(message.id, message.source, "other", NOON + timedelta(days=400))
    assert message.new_id("referral") == again.new_id("referral")
    assert len({message.new_id("referral"), message.new_id("letter"), a_context().new_id("referral")}) == 3


def test_today_is_the_day_in_belgium() -> None:
    assert a_context(at=NOON.replace(hour=22, minute=59)).today.day == NOON.day
    assert a_context(at=NOON.replace(hour=23, minute=1)).today.day == NOON.day + 1


def test_a_misspelt_load_is_refused_when_the_handler_is_declared() -> None:
    def count(_: object, event: Counted, uow: UnitOfWork, ctx: MessageContext) -> None: ...

    with pytest.raises(TypeError, match="Counted has no 'taly_id' to load by"):
        handles(Counted, loads={Tally: "taly_id"})(count)
