"""Ctrl-C for programs that a test starts."""

import sys

RESTORE = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execvp(sys.argv[1], sys.argv[1:])"


def interruptible(*command: str) -> list[str]:
    """The command, made to end on Ctrl-C.

    A shell starts what stands before `&` with Ctrl-C ignored, and every child takes that over: without this, a test
    that interrupts a program would wait for it for ever.
    """
    return [sys.executable, "-IS", "-c", RESTORE, *command]
