"""Every partner gets its own secret, which stays the same and which only the owner of the file can read."""

import json
from pathlib import Path

from deploy.local.webhook_secrets import write_secrets
from services.notifications.adapters.subscribers import read_secrets, subscribers_of
from tests.webhooks import WORKPLACE, a_partner, a_secret


def test_every_partner_gets_a_secret_that_notifications_takes_and_no_other_has(tmp_path: Path) -> None:
    file = write_secrets(tmp_path / "secrets.json", ["vdab", "unizo"])
    partners = [a_partner(id_, f"https://{id_}.example.org/", WORKPLACE) for id_ in ("vdab", "unizo")]
    vdab, unizo = subscribers_of(partners, read_secrets(file), loopback=False)
    assert vdab.keys != unizo.keys
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_secret_that_is_there_stays_also_while_it_is_being_changed(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps({"vdab": f"{a_secret('n')} {a_secret('o')}", "gone": a_secret("g")}))
    before = read_secrets(file)
    after = read_secrets(write_secrets(file, ["vdab", "unizo"]))
    assert {id_: after[id_] for id_ in before} == before
    assert after.keys() == {"vdab", "unizo", "gone"}
