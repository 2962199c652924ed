"""One package per bounded context. None of them may import another; they meet in events only."""
