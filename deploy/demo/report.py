"""The report at the end of the demo: what happened, how fast, and whether every promise held."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from contracts.intake import QuestionReceived
from contracts.referral import ReferralCreated
from deploy.demo.drive import Answered
from deploy.demo.evidence import Evidence, Published
from deploy.demo.verdict import Check, distinct


def show(
    console: Console,
    evidence: Evidence,
    answers: Sequence[Answered],
    outcomes: Mapping[str, Counter[str]],
    checks: Sequence[Check],
) -> None:
    """Print the report."""
    once = distinct(evidence.published)
    console.print(_events(once, len(evidence.published)))
    console.print(_outcomes(outcomes))
    _mails(console, evidence)
    _requests(console, answers)
    _speed(console, once)
    console.print(_verdict(checks))


def _events(once: Sequence[Published], records: int) -> Table:
    counted = Counter((one.topic, type(one.event).__name__) for one in once)
    title = f"{len(once)} events on {len({one.topic for one in once})} topics"
    if again := records - len(once):
        title += f" ({again} records came twice, from relays that were killed; every inbox dropped them)"
    table = Table("topic", "event", "number", title=title, title_justify="left")
    for (topic, kind), number in sorted(counted.items()):
        table.add_row(topic, kind, str(number))
    return table


def _outcomes(outcomes: Mapping[str, Counter[str]]) -> Table:
    names = sorted({name for counted in outcomes.values() for name in counted})
    table = Table(
        "service",
        *names,
        title="Records by outcome (the last counts of a killed process are lost)",
        title_justify="left",
    )
    for service, counted in outcomes.items():
        table.add_row(service, *(str(counted[name]) for name in names))
    return table


def _mails(console: Console, evidence: Evidence) -> None:
    again = sum(evidence.deliveries.values()) - len(evidence.deliveries)
    states = Counter(row["status"] for row in evidence.rows["notifications.messages"])
    per_status = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
    console.print(f"Mails in the mailbox: {len(evidence.mails)} ({per_status}); sent again after a crash: {again}")


def _requests(console: Console, answers: Sequence[Answered]) -> None:
    refused = [answer for answer in answers if not answer.accepted]
    again = sum(answer.attempts > 1 for answer in answers)
    console.print(f"HTTP requests: {len(answers)}, refused: {len(refused)}, asked more than once: {again}")
    for detail, number in Counter(str(answer.body.get("detail")) for answer in refused).most_common(5):
        console.print(f"  refused {number}x: {detail}")


def _speed(console: Console, once: Sequence[Published]) -> None:
    accepted = {
        one.event.question_id: one.envelope.recordedtime.timestamp()
        for one in once
        if isinstance(one.event, QuestionReceived) and one.envelope.recordedtime
    }
    waits = [
        (one.timestamp - accepted[one.event.question_id]) * 1000
        for one in once
        if isinstance(one.event, ReferralCreated) and one.event.question_id in accepted
    ]
    cuts = statistics.quantiles(waits, n=100)
    console.print(
        f"From accepted question to published referral: p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms, "
        f"longest {max(waits):.0f} ms (the kill included)"
    )


def _verdict(checks: Sequence[Check]) -> Table:
    table = Table("promise", "checked on", "held", title="Verdict", title_justify="left", show_lines=False)
    for check in checks:
        table.add_row(check.promise, str(check.checked), "[green]yes" if check.held else "[red]NO")
        for line in check.broken[:5]:
            table.add_row(f"[red]  {line}", "", "")
    return table
