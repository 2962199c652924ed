"""What can be set for notifications: `NOTIFICATIONS_*`."""

from pathlib import Path

from pydantic import Field, NameEmail, SecretStr, ValidationInfo, field_validator
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
    client_id: str = "notifications"
    """How the login provider knows this program, which has the role `mailer` there."""
    client_secret: SecretStr | None = None
    intake_url: str | None = None
    """Where intake tells the address of who asked, without a slash at its end; without it nobody gets a receipt."""
    partners: Path | None = None
    """Folder of manifests, one per partner; without it there are no webhooks."""
    webhook_secrets: Path | None = None
    """JSON file: per partner the secret `whsec_...` that its webhooks are signed with, or two with a space between."""
    webhooks_to_loopback: bool = False
    """Whether a webhook may go to this machine itself, without TLS: for trying out."""

    @field_validator("intake_url")
    @classmethod
    def _comes_with_a_secret(cls, url: str | None, others: ValidationInfo) -> str | None:
        if url and not (others.data.get("oidc_issuer") and others.data.get("client_secret")):
            raise ValueError("needs an oidc_issuer and a client_secret, because intake tells nobody else")
        return url
