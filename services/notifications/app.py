"""Puts notifications together: handlers, outbound actions, tables and reference data."""

import ssl
from collections.abc import Iterable
from pathlib import Path

from chassis.client_credentials import ClientCredentials
from chassis.partners import read_partners
from chassis.service import Service
from chassis.tokens import Provider
from contracts.codelists.institutions import Institutions
from contracts.codelists.programmes import Programmes
from services.notifications.adapters.intake_api import IntakeApi
from services.notifications.adapters.reference import AddressBook, read_addresses, read_labels
from services.notifications.adapters.smtp import SmtpMailer
from services.notifications.adapters.subscribers import Subscriber, read_secrets, subscribers_of
from services.notifications.adapters.tables import GIVEN_UP, MESSAGES, WEBHOOKS
from services.notifications.adapters.templates import TextTemplates
from services.notifications.adapters.webhooks import HttpReceiver
from services.notifications.application.handlers import Handlers, ReceiptHandlers
from services.notifications.application.mail_delivery import MailDelivery
from services.notifications.application.webhook_delivery import WebhookDelivery
from services.notifications.application.webhook_handlers import WebhookHandlers
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
    receipts = [ReceiptHandlers()] if settings.intake_url else []
    return Service(
        name="notifications",
        handlers=(Handlers(), *receipts, *webhook_handlers(subscribers).handlers()),
        mappers=[MESSAGES, WEBHOOKS],
        migrations=Path(__file__).parent / "migrations",
        outbound_actions=[mail_delivery(settings), *webhook_deliveries(subscribers)],
        given_up=GIVEN_UP,
    )


def mail_delivery(settings: NotificationsSettings) -> MailDelivery:
    """The outbound action that sends mails, through the mail server of the settings."""
    return MailDelivery(
        addresses=AddressBook(read_addresses()),
        askers=intake_api(settings),
        templates=TextTemplates(read_labels(), Institutions.read(), Programmes.read(), settings.contact),
        mailer=SmtpMailer(settings.smtp_host, settings.smtp_port, str(settings.mail_from), settings.mail_domain),
        schedule=WITH_MAILS,
    )


def intake_api(settings: NotificationsSettings) -> IntakeApi | None:
    """Who tells the address of a person; None when nobody does."""
    if not (settings.intake_url and settings.oidc_issuer and settings.client_secret):
        return None
    secret = settings.client_secret.get_secret_value()
    credentials = ClientCredentials(Provider(settings.oidc_issuer), settings.client_id, secret)
    return IntakeApi(settings.intake_url, credentials, ssl.create_default_context())


def webhook_handlers(subscribers: Iterable[Subscriber]) -> WebhookHandlers:
    """The handlers that queue a webhook for each partner that asked for the type of event."""
    partners: dict[str, tuple[str, ...]] = {}
    for one in subscribers:
        for type_ in one.urls:
            partners[type_] = (*partners.get(type_, ()), one.partner)
    return WebhookHandlers(partners)


def webhook_deliveries(subscribers: Iterable[Subscriber]) -> list[WebhookDelivery]:
    """The outbound action that posts webhooks, one per partner."""
    tls = ssl.create_default_context()
    return [
        WebhookDelivery(one.partner, one.urls, HttpReceiver(one.partner, one.keys, tls), WITH_WEBHOOKS)
        for one in subscribers
    ]
