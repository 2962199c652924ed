"""`webhooks list|retry`: webhooks that are not delivered yet, and another attempt once a partner's server works."""

from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from chassis.operations import Built, run, say
from chassis.persistence.connection import Pool, open_pool

T = TypeVar("T")

OPEN = (
    "select partner, type, status, count(*) as number, min(queued_at) as oldest from webhooks "
    "where status <> 'SENT' group by partner, type, status order by partner, type, status"
)
RETRY = (
    "update webhooks set status = 'QUEUED', attempts = 0, due_at = now() where partner = $1 and status = 'FAILED' "
    "returning id"
)


class WebhookCommands:
    """`webhooks list|retry`."""

    def __init__(self, built: Built) -> None:
        self._built = built

    def app(self) -> typer.Typer:
        """The commands."""
        app = typer.Typer(no_args_is_help=True, help="Webhooks that are not delivered yet.")
        app.command("list")(self.list_open)
        app.command()(self.retry)
        return app

    def list_open(self) -> None:
        """Per partner, type and status: how many, and the oldest."""
        for row in self._do(lambda pool: pool.fetch(OPEN)):
            since = f"{row['oldest']:%Y-%m-%d %H:%M}"
            say(f"{row['partner']}  {row['type']}  {row['number']} {row['status']} since {since}")

    def retry(self, partner: Annotated[str, typer.Argument(help="Id of the partner.")]) -> None:
        """Post the failed webhooks of this partner again, under the same webhook-id."""
        again = self._do(lambda pool: pool.fetch(RETRY, partner))
        say(f"posted again to {partner}: {len(again)}")

    def _do(self, action: Callable[[Pool], Awaitable[T]]) -> T:
        async def inside() -> T:
            _, settings = self._built()
            async with await open_pool(settings.database_url, size=2) as pool:
                return await action(pool)

        return run(inside())
