"""Private links: whoever has the address may see one case. Only a hash of the token in it is stored."""

import hashlib
import secrets


def new_seed() -> str:
    """128 bits that nobody can guess, for a form: its idempotency key and its link follow from them."""
    return secrets.token_urlsafe(16)


def new_token() -> str:
    """160 bits that nobody can guess, for a link that no form makes; in hexadecimal: no mail program cuts it."""
    return secrets.token_hex(20)


def token_of(seed: str, content: str) -> str:
    """The token of the link that a form with this seed and content makes: the same when it is sent twice."""
    return hashlib.sha256(f"link\n{seed}\n{content}".encode()).hexdigest()[:40]


def hash_of(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()
