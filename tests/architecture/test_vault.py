"""One place reads the vault, and it cannot read without noting who did."""

import re

from deploy.services import ROOT

READS = re.compile(r"\b(from|join)\s+vault\b", re.IGNORECASE)
ONLY = "services/intake/adapters/vault.py"


def test_nobody_else_reads_the_vault() -> None:
    files = [file for folder in ("services", "chassis", "deploy") for file in (ROOT / folder).rglob("*.py")]
    readers = {str(file.relative_to(ROOT)) for file in files if READS.search(file.read_text())}
    assert readers == {ONLY}


def test_every_statement_there_writes_the_audit_too() -> None:
    statements = [line for line in (ROOT / ONLY).read_text().splitlines() if READS.search(line)]
    assert statements
    assert all("with noted as" in line for line in statements)
