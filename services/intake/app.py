"""Puts intake together: handlers, HTTP routes, partner gateway, tables and reference data."""

from pathlib import Path

from fastapi import APIRouter

from chassis.commands import Commands
from chassis.partners import read_partners
from chassis.persistence.connection import Pool
from chassis.service import Service
from contracts.codelists import CodeLists
from services.intake.adapters.http import forms
from services.intake.adapters.partner_gateway import IntakePartnerGateway
from services.intake.adapters.partner_http import partner_routes, read_tokens
from services.intake.adapters.redaction import redact
from services.intake.adapters.reference import belgian_working_days, read_policies, read_triage
from services.intake.adapters.tables import CASE_LINKS, CASE_REFERRALS, CASES, LEARNERS, REPORTS, VAULT, WORKPLACES
from services.intake.application.border import Border
from services.intake.application.handlers import Handlers
from services.intake.application.partner_handlers import PartnerHandlers
from services.intake.projections.referrals import ReferralHandlers
from services.intake.settings import IntakeSettings


def build(settings: IntakeSettings) -> Service:
    """The service, ready to run."""
    policies, working_days, code_lists = read_policies(), belgian_working_days(), CodeLists.read()
    partners = read_partners(settings.partners) if settings.partners else {}
    gateway = IntakePartnerGateway(partners, Border(redact, code_lists))
    tokens = read_tokens(settings.partner_tokens) if settings.partner_tokens else {}

    def routes(commands: Commands, _: Pool) -> APIRouter:
        router = forms(commands)
        if tokens:
            router.include_router(partner_routes(commands, gateway, tokens))
        return router

    return Service(
        name="intake",
        handlers=(
            Handlers(read_triage(), policies, working_days, redact, code_lists),
            PartnerHandlers(policies, working_days, code_lists.institutions, code_lists.places),
            ReferralHandlers(),
        ),
        mappers=[CASES, CASE_LINKS, CASE_REFERRALS, VAULT, LEARNERS, WORKPLACES, REPORTS],
        migrations=Path(__file__).parent / "migrations",
        routes=routes,
        partner_gateway=gateway,
    )
