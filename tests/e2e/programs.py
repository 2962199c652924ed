"""The programs in the README of the contracts, copied and run as a partner would."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID

import pytest

import contracts
from tests.interrupts import interruptible

README = Path(contracts.__file__).parent / "README.md"
FILES = Path(contracts.__file__).parent / "first_steps"
NODE_MODULES = Path(__file__).parent.parent / "interop" / "node_modules"

LANGUAGES = [pytest.param("py", id="python"), pytest.param("mjs", id="javascript", marks=pytest.mark.npm)]
BLOCKS = {"py": "python", "mjs": "javascript"}


def shown(name: str) -> str:
    """A program from the README: the block whose first line is that of the file."""
    first_line = (FILES / name).read_text().splitlines()[0]
    _, _, rest = README.read_text().partition(f"```{BLOCKS[name.split('.')[1]]}\n{first_line}\n")
    assert rest, f"the README shows no {name}"
    return f"{first_line}\n{rest.partition('```')[0]}"


@asynccontextmanager
async def started(name: str, source: str, folder: Path, servers: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the program in a folder that holds only the program and its dependencies."""
    (folder / name).write_text(source)
    if name.endswith(".mjs"):
        with suppress(FileExistsError):
            (folder / "node_modules").symlink_to(NODE_MODULES)
    process = await asyncio.create_subprocess_exec(
        *interruptible(sys.executable if name.endswith(".py") else shutil.which("node") or "node", name, servers),
        cwd=folder,
        env={name: text for name, text in os.environ.items() if name != "PYTHONPATH"},
        limit=4 * 1024 * 1024,  # the largest event is one line
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)  # Ctrl-C
        await process.wait()


async def printed_by(process: asyncio.subprocess.Process, words: UUID | str) -> str:
    """Wait for the first line with these words that a program prints."""
    assert process.stdout
    assert process.stderr
    async with asyncio.timeout(120):
        async for line in process.stdout:
            if str(words) in line.decode():
                return line.decode()
    raise AssertionError(f"it ended without {words}: {(await process.stderr.read()).decode()}")
