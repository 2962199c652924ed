"""From a company's offer to a webhook at a partner that asked for it, through the whole platform."""

import asyncio
from pathlib import Path

import httpx
from standardwebhooks import Webhook as Verifier

from chassis.testing.eventually import eventually
from deploy.local.platform import Platform
from tests.webhooks import WORKPLACE, PartnerServer, a_secret, manifest, settings_with

SECRET = a_secret()


async def test_a_partner_that_asked_gets_a_webhook_of_a_workplace_and_can_verify_its_sender(
    platform: Platform, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    async with PartnerServer() as vdab:
        asks = settings_with(tmp_path, [manifest("vdab", vdab.url, WORKPLACE)], {"vdab": SECRET})
        environment = platform.environment("notifications") | {
            "NOTIFICATIONS_PARTNERS": str(asks.partners),
            "NOTIFICATIONS_WEBHOOK_SECRETS": str(asks.webhook_secrets),
        }
        usual = platform.services["notifications"]
        asked = platform._process("notifications", platform.ports["notifications"], lambda: environment)
        await asyncio.to_thread(usual.stop)
        try:
            await asyncio.to_thread(asked.start)
            offer = {
                "company": "Podia NV",
                "enterprise_number": "0314.595.348",
                "programme": "88",
                "postal_code": "8310",
            }
            workplace = (await http.post(f"{platform.urls['intake']}/workplaces", json=offer)).json()
            (posted,) = await eventually(lambda: vdab.posts, within=60)
            event = Verifier(SECRET).verify(posted.body, posted.headers)
            assert (event["type"], event["subject"]) == (WORKPLACE, workplace["workplace_id"])
            assert event["data"]["workplace_id"] == workplace["workplace_id"]
        finally:
            await asyncio.to_thread(asked.stop)
            await asyncio.to_thread(usual.start)
