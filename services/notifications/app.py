"""Puts notifications together: the one place where its parts meet."""

import ssl
from collections.abc import Iterable
from pathlib import Path

from chassis.partners import read_partners
from chassis.service import Service
from services.notifications.adapters.reference import AddressBook, read_addresses, read_labels
from services.notifications.adapters.smtp import SmtpMailer
from services.notifications.adapters.subscribers import Subscriber, read_secrets, subscribers_of
from services.notifications.adapters.tables import GIVEN_UP, MESSAGES, WEBHOOKS
from services.notifications.adapters.templates import TextTemplates
from services.notifications.adapters.webhooks import HttpReceiver
from services.notifications.application.delivery import Delivery
from services.notifications.application.handlers import Handlers
from services.notifications.application.posting import Posting
from services.notifications.application.telling import Telling
from services.notifications.domain.attempts import WITH_MAILS, WITH_WEBHOOKS
from services.notifications.settings import NotificationsSettings


def build(settings: NotificationsSettings) -> Service:
    """The service, ready to run.

    Raises:
        InvalidManifest, InvalidSettings: a partner asks for webhooks that it may not have, or that cannot be signed.
    """
    partners = read_partners(settings.partners) if settings.partners else {}
    secrets = read_secrets(settings.webhook_secrets) if settings.webhook_secrets else {}
    subscribers = subscribers_of(partners.values(), secrets, loopback=settings.webhooks_to_loopback)
    return Service(
        name="notifications",
        handlers=(Handlers(), *telling(subscribers).handlers()),
        mappers=[MESSAGES, WEBHOOKS],
        migrations=Path(__file__).parent / "migrations",
        second_steps=[delivery(settings), *postings(subscribers)],
        given_up=GIVEN_UP,
    )


def delivery(settings: NotificationsSettings) -> Delivery:
    """The second step of mails, with the mail server of the settings."""
    return Delivery(
        addresses=AddressBook(read_addresses()),
        templates=TextTemplates(read_labels(), settings.contact),
        mailer=SmtpMailer(settings.smtp_host, settings.smtp_port, str(settings.mail_from), settings.mail_domain),
        patience=WITH_MAILS,
    )


def telling(subscribers: Iterable[Subscriber]) -> Telling:
    """Who is told of what."""
    partners: dict[str, tuple[str, ...]] = {}
    for one in subscribers:
        for type_ in one.urls:
            partners[type_] = (*partners.get(type_, ()), one.partner)
    return Telling(partners)


def postings(subscribers: Iterable[Subscriber]) -> list[Posting]:
    """The second step of webhooks, once for every partner."""
    tls = ssl.create_default_context()
    return [
        Posting(one.partner, one.urls, HttpReceiver(one.partner, one.keys, tls), WITH_WEBHOOKS) for one in subscribers
    ]
