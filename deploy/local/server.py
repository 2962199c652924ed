"""The interface of every server in the stack, and a server that was given by the environment."""

from dataclasses import dataclass
from typing import NoReturn, Protocol


class StackError(RuntimeError):
    """The local stack cannot do what was asked; the message says what to do about it."""


class Server(Protocol):
    """One server: it can be stopped, killed or paused, and comes back on the same data and address."""

    @property
    def name(self) -> str: ...

    @property
    def running(self) -> bool: ...

    @property
    def frozen(self) -> bool:
        """It runs, but somebody paused it."""

    @property
    def answering(self) -> bool:
        """It answers now; asking takes some seconds where it does not."""

    @property
    def pid(self) -> int | None:
        """Of the process that runs on this machine, where it is one."""

    def launch(self) -> None:
        """Start it, or do nothing if it runs already, without waiting until it answers."""

    def start(self) -> None:
        """Start it, or do nothing if it runs already, and wait until it answers."""

    def stop(self) -> None:
        """Stop it gracefully."""

    def kill(self) -> None:
        """SIGKILL: the server ends at once."""

    def pause(self) -> None:
        """SIGSTOP: its connections stay open, but it does not answer."""

    def resume(self) -> None:
        """SIGCONT: continue after a pause."""


@dataclass(frozen=True)
class GivenServer:
    """A server from the environment: it is only used, never started or stopped."""

    name: str
    variable: str

    @property
    def running(self) -> bool:
        return True

    @property
    def frozen(self) -> bool:
        return False

    @property
    def answering(self) -> bool:
        return True

    @property
    def pid(self) -> int | None:
        return None

    def launch(self) -> None:
        self._refuse("start")

    def start(self) -> None:
        self._refuse("start")

    def stop(self) -> None:
        self._refuse("stop")

    def kill(self) -> None:
        self._refuse("kill")

    def pause(self) -> None:
        self._refuse("pause")

    def resume(self) -> None:
        self._refuse("resume")

    def _refuse(self, action: str) -> NoReturn:
        raise StackError(
            f"Cannot {action} {self.name}: it was given by {self.variable} and is not ours; "
            f"unset {self.variable} to get a server of your own."
        )


def refuse_frozen(server: Server) -> None:
    """Nobody should wait for a server that cannot answer.

    Raises:
        StackError: it is frozen; the message says how to wake it.
    """
    if not server.frozen:
        return
    if server.pid is None:
        raise StackError(f"{server.name} is frozen and answers nobody: `make down` stops it.")
    raise StackError(
        f"{server.name} (process {server.pid}) is frozen and answers nobody: "
        f"`kill -CONT {server.pid}` wakes it, `make down` stops it."
    )
