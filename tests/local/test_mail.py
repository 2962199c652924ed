"""The mail server keeps one file per Message-ID, counts every delivery, and refuses some recipients."""

import smtplib
from email.message import EmailMessage

import pytest

from deploy.local.mail import deliveries, messages
from deploy.local.stack import Mail, Stack


@pytest.fixture
def mail(stack: Stack) -> Mail:
    return stack.mail


def send(mail: Mail, message_id: str | None, recipient: str, text: str = "Dag") -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "stage@example.org", recipient, "Gesprek over je stage – één"
    if message_id:
        message["Message-ID"] = message_id
    message.set_content(text)
    with smtplib.SMTP(mail.host, mail.port) as client:
        client.send_message(message)


def test_a_message_arrives_as_it_was_sent(mail: Mail) -> None:
    send(mail, "<first/../@example.org>", "lotte@example.org", "Tot donderdag, één uur.")
    message = messages(mail.mailbox)[-1]
    assert message["Message-ID"] == "<first/../@example.org>"
    assert message["Subject"] == "Gesprek over je stage – één"
    assert message.get_content() == "Tot donderdag, één uur.\n"
    assert deliveries(mail.mailbox)[-1].recipient == "lotte@example.org"


def test_a_message_that_comes_twice_is_kept_once_and_counted_twice(mail: Mail) -> None:
    for text in ("one", "two"):
        send(mail, "<twice@example.org>", "lotte@example.org", text)
    kept = [m.get_content() for m in messages(mail.mailbox) if m["Message-ID"] == "<twice@example.org>"]
    counted = [d for d in deliveries(mail.mailbox) if d.message_id == "<twice@example.org>"]
    assert kept == ["two\n"]
    assert len(counted) == 2
    assert counted[0].at < counted[1].at


def test_a_message_without_id_is_known_by_its_content(mail: Mail) -> None:
    send(mail, None, "lotte@example.org", "no id")
    assert deliveries(mail.mailbox)[-1].message_id.endswith("@no-message-id>")


@pytest.mark.parametrize(("local_part", "code"), [("weigert", 550), ("later", 451)])
def test_a_recipient_can_be_refused_for_good_or_for_now(mail: Mail, local_part: str, code: int) -> None:
    before = deliveries(mail.mailbox)
    address = f"{local_part}@example.org"
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(mail, f"<{local_part}@example.org>", address)
    assert refused.value.recipients[address][0] == code
    assert deliveries(mail.mailbox) == before


def test_the_mailbox_survives_a_kill(stack: Stack, mail: Mail) -> None:
    send(mail, "<survivor@example.org>", "lotte@example.org")
    mail_server = stack.mail.server
    mail_server.kill()
    mail_server.start()
    assert any(m["Message-ID"] == "<survivor@example.org>" for m in messages(mail.mailbox))
    send(mail, "<after@example.org>", "lotte@example.org")
