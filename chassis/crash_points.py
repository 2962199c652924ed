"""Named places at which a test may kill or stop this very process. They cost nothing unless the environment arms one.

`DUAAL_CRASH_AT="after handler:3"` ends the process, as kill -9 does, when it passes there for the third time;
`DUAAL_STOP_AT` only stops it, until somebody sends SIGCONT.
"""

import os
import signal
from dataclasses import dataclass
from typing import Literal, get_args

Point = Literal[
    "after receive",
    "after inbox insert",
    "after handler",
    "before database commit",
    "after database commit",
    "before offset commit",
    "relay after send",
    "relay before delete",
    "during graceful shutdown",
    "during redrive",
]
POINTS: tuple[Point, ...] = get_args(Point)

_VARIABLES = {"DUAAL_CRASH_AT": signal.SIGKILL, "DUAAL_STOP_AT": signal.SIGSTOP}


@dataclass
class _Trap:
    point: str
    passages: int
    signal: signal.Signals


def _armed() -> list[_Trap]:
    traps = []
    for variable, number in _VARIABLES.items():
        if place := os.environ.get(variable):
            point, _, passages = place.partition(":")
            if point not in POINTS:
                raise ValueError(f"{variable}: there is no crash point {point!r}; there are {', '.join(POINTS)}")
            traps.append(_Trap(point, int(passages or 1), number))
    return traps


_TRAPS = _armed()


def crash_point(point: Point) -> None:
    """This process is here."""
    if _TRAPS:
        _pass(point)


def _pass(point: Point) -> None:
    for trap in _TRAPS:
        if trap.point == point:
            trap.passages -= 1
            if trap.passages == 0:
                os.write(2, f"{trap.signal.name} at {point!r}\n".encode())
                os.kill(os.getpid(), trap.signal)
