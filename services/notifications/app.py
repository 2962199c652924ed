"""Puts notifications together: the one place where its parts meet."""

from pathlib import Path

from chassis.service import Service
from services.notifications.adapters.reference import AddressBook, read_addresses, read_labels
from services.notifications.adapters.smtp import SmtpMailer
from services.notifications.adapters.tables import MESSAGES, METADATA
from services.notifications.adapters.templates import TextTemplates
from services.notifications.application.delivery import Delivery
from services.notifications.application.handlers import Handlers
from services.notifications.domain.message import Patience
from services.notifications.settings import NotificationsSettings


def build(settings: NotificationsSettings) -> Service:
    """The service, ready to run."""
    return Service(
        name="notifications",
        handlers=Handlers(),
        mappers=[MESSAGES],
        metadata=METADATA,
        migrations=Path(__file__).parent / "migrations",
        second_steps=[delivery(settings)],
    )


def delivery(settings: NotificationsSettings) -> Delivery:
    """The second step, with the mail server of the settings."""
    return Delivery(
        addresses=AddressBook(read_addresses()),
        templates=TextTemplates(read_labels(), settings.contact),
        mailer=SmtpMailer(settings.smtp_host, settings.smtp_port, str(settings.mail_from), settings.mail_domain),
        patience=Patience(),
    )
