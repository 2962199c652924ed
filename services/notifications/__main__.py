"""`python -m services.notifications`."""

from chassis.cli import command_line
from services.notifications.adapters.webhook_commands import WebhookCommands
from services.notifications.app import build
from services.notifications.settings import NotificationsSettings

if __name__ == "__main__":
    command_line(NotificationsSettings, build, webhooks=WebhookCommands)()
