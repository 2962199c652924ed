"""Passwords are made once, whoever asks at the same time: services start beside each other."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.access.passwords import Passwords

USERS = [f"user-{number}" for number in range(8)] * 4


def test_who_asks_at_the_same_time_gets_the_password_that_is_kept(tmp_path: Path) -> None:
    for attempt in range(20):
        passwords = Passwords(tmp_path / f"passwords-{attempt}.json")
        with ThreadPoolExecutor(len(USERS)) as threads:
            given = list(zip(USERS, threads.map(passwords.of, USERS), strict=True))
        kept = Passwords(passwords.file)
        assert [(user, kept.of(user)) for user in USERS] == given
