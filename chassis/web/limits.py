"""How much a public form takes: per address, and in all. A classroom behind one address fits in; a flood does not."""

from limits import RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request

TEN_MINUTES = 600


def address_of(request: Request) -> str:
    """The address that a request came from, as the gateway saw it."""
    return request.client.host if request.client else "unknown"


class Limits:
    """Counts what each address sends to a form, in this process.

    A flood stops here; that it is counted per process makes the limit looser with more processes, never tighter.
    """

    def __init__(self, *, per_address: int = 60, in_all: int = 600) -> None:
        """`per_address`: in ten minutes; `in_all`: in one minute."""
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._per_address = RateLimitItemPerSecond(per_address, TEN_MINUTES)
        self._in_all = RateLimitItemPerMinute(in_all)

    def admit(self, address: str) -> bool:
        """May this address send one more now?"""
        # First per address, so that one that is refused does not use up the room of others.
        return self._limiter.hit(self._per_address, address) and self._limiter.hit(self._in_all, "all")
