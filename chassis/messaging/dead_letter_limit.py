"""Stops a service that sets nearly everything aside: then the fault is not in the records."""

from collections import defaultdict, deque

Place = tuple[str, int]
"""Topic and partition."""


class Halted(Exception):
    """So many dead letters that something else must be wrong: stop before the topic is drained into a table."""


class DeadLetterLimit:
    """Per partition: at most so many dead letters in a row, and at most such a share of the last records."""

    def __init__(self, in_a_row: int = 50, share: float = 0.5, of_last: int = 200) -> None:
        self._in_a_row = in_a_row
        self._share = share
        self._of_last = of_last
        self._last: dict[Place, deque[bool]] = defaultdict(lambda: deque(maxlen=max(of_last, in_a_row + 1)))

    def check(self, place: Place) -> None:
        """Would it be too much if the next record of this partition were a dead letter?

        Raises:
            Halted: yes.
        """
        dead = [*self._last[place], True]
        name = "/".join(map(str, place))
        if len(dead) > self._in_a_row and all(dead[-self._in_a_row - 1 :]):
            raise Halted(f"{name}: more than {self._in_a_row} dead letters in a row")
        last = dead[-self._of_last :]
        if len(last) == self._of_last and sum(last) > self._share * self._of_last:
            raise Halted(f"{name}: {sum(last)} of the last {len(last)} records are dead letters")

    def note(self, place: Place, *, dead: bool) -> None:
        """The next record of this partition is decided, and that is committed."""
        self._last[place].append(dead)
