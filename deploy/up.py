"""The platform that `make up` leaves running: where its data are, how it starts and how it ends."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from deploy.local import native_postgres
from deploy.local.platform import Platform
from deploy.local.server import Server, StackError, refuse_frozen
from deploy.local.stack import Stack, undone_on_failure
from deploy.local.supervisor import commanding, forget_restarts, supervisor, want, wanted

FOLDER = Path(".local")
OPEN = FOLDER / "up"
SECURED = FOLDER / "up-secure"
"""Another folder: the data of a Kafka that asks for logins are of another kind."""
FOLDERS = (OPEN, SECURED)
ADDRESS = 8080
"""The port that people type, or the next one if somebody else has it."""


def what_is_up() -> tuple[Path, Platform] | None:
    """The folder and the platform of which anything runs in it."""
    for folder in FOLDERS:
        platform = Platform.recorded(folder)
        if platform and any(part.running for part in platform.parts):
            return folder, platform
    return None


def bring_up(folder: Path, *, secure: bool) -> Platform:
    """Start what does not run of it, and the supervisor that keeps it up. If that fails, what ran before goes on alone.

    Raises:
        StackError: a part cannot be started or is frozen.
        KeyboardInterrupt: somebody asked to stop; what this call started is stopped again.
    """
    with commanding(folder), interruptible():
        before, keeper = Platform.recorded(folder), supervisor(folder)
        ran = [part for part in [*(before.parts if before else []), keeper] if part.running]
        for part in ran:
            refuse_frozen(part)
        formerly = wanted(folder)
        try:
            return _start(folder, keeper, secure=secure)
        except BaseException:
            want(folder, formerly)
            now = Platform.recorded(folder)
            names = {part.name for part in ran}
            _stop([part for part in [*(now.parts if now else []), keeper] if part.name not in names])
            raise


def _start(folder: Path, keeper: Server, *, secure: bool) -> Platform:
    stack = Stack.start(folder, detached=True, secure=secure)
    platform = Platform(stack, folder, gateway_port=ADDRESS)
    with undone_on_failure(platform.processes):
        platform.start()
    want(folder, [part.name for part in platform.parts])
    with undone_on_failure([keeper]):
        Stack.each([keeper], lambda server: server.start())
    return platform


def _stop(parts: Sequence[Server]) -> None:
    """The last that started first: services finish what they began while their servers are there."""
    for part in reversed(parts):
        part.stop()


def bring_down(folder: Path) -> list[str]:
    """Stop everything that was started in this folder, dead or alive; the answer says what was stopped."""
    if not folder.exists():
        return []
    with commanding(folder):
        want(folder, None)
        platform, keeper = Platform.recorded(folder), supervisor(folder)
        parts = [keeper, *(platform.parts if platform else [])]
        stopped = [_known_as(part) for part in parts if part.running]
        keeper.stop()
        forget_restarts(folder)
        for part in parts:
            if part.frozen:
                part.resume()  # it would not see that it has to stop, and others would wait for it
        if platform:
            platform.stack.stop()
            # Child processes whose parent was killed belong to no recorded pid.
            native_postgres.clear_leftovers(folder.absolute() / "postgres" / "data")
        return stopped


def stop_parts(folder: Path, names: Sequence[str]) -> list[str]:
    """Stop these parts, which stay down until the next `make up`; the others go on."""
    with commanding(folder):
        platform = Platform.recorded(folder)
        known = {part.name: part for part in (platform.parts if platform else [])}
        if unknown := set(names) - known.keys():
            raise StackError(f"{', '.join(sorted(unknown))}: no such part; there are {', '.join(known)}.")
        if (should := wanted(folder)) is not None:
            want(folder, [name for name in should if name not in names])
        chosen = [part for part in known.values() if part.name in names and part.running]
        stopped = [_known_as(part) for part in chosen]
        _stop(chosen)
        return stopped


def _known_as(part: Server) -> str:
    return f"{part.name} ({part.pid})" if part.pid else part.name


@contextmanager
def interruptible() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a closed terminal all end what runs in this, once: tidying up is not interrupted again."""
    interrupted = False

    def interrupt(number: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        if not interrupted:
            interrupted = True
            raise KeyboardInterrupt(number)

    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup
        numbers.append(signal.SIGHUP)
    former = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
