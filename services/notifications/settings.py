"""What can be set for notifications: `NOTIFICATIONS_*`."""

from pathlib import Path
from typing import Self

from pydantic import Field, NameEmail, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from chassis.settings import Settings


class NotificationsSettings(Settings):
    """The mail server, the sender, the contact for readers, and the partners that get webhooks."""

    model_config = SettingsConfigDict(env_prefix="NOTIFICATIONS_")

    smtp_host: str = "127.0.0.1"
    smtp_port: int = Field(default=2525, ge=1, le=65535)
    mail_from: NameEmail = NameEmail("Provinciaal Steunpunt Duaal Leren", "steunpunt@duaalwest.example")
    mail_domain: str = Field(default="duaalwest.example", pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*$")
    """Right-hand side of every Message-ID. After a change, a mail that is sent again counts as another mail."""
    contact: str = Field(default="mail naar steunpunt@duaalwest.example", min_length=1, pattern=r"^[^\r\n]+$")
    """How to reach a human of the Steunpunt, in a few Dutch words."""
    intake_url: str | None = None
    """Where intake tells the address of who asked, without a slash at its end; without it nobody gets a receipt."""
    client_id: str = "notifications"
    """How the login provider knows this program, which has the role `mailer` there."""
    client_secret: SecretStr | None = None
    partners: Path | None = None
    """Folder of manifests, one per partner; without it there are no webhooks."""
    webhook_secrets: Path | None = None
    """JSON file: per partner the secret `whsec_...` that its webhooks are signed with, or two with a space between."""
    webhooks_to_loopback: bool = False
    """Whether a webhook may go to this machine itself, without TLS: for trying out."""

    @model_validator(mode="after")
    def _can_ask_intake(self) -> Self:
        if self.intake_url and not (self.oidc_issuer and self.client_secret):
            raise ValueError("intake_url needs oidc_issuer and client_secret: intake tells nobody else")
        return self
