"""Puts intake together: handlers, HTTP routes, partner gateway, tables and reference data."""

from pathlib import Path

from fastapi import APIRouter

from chassis.commands import Commands
from chassis.partners import read_partners
from chassis.persistence.connection import Pool
from chassis.service import Service
from chassis.web.limits import Limits
from chassis.web.pages import Pages
from chassis.web.sign_in import sign_in_routes
from contracts.codelists import CodeLists
from services.intake.adapters.http import forms
from services.intake.adapters.mailer_http import mailer_routes
from services.intake.adapters.pages.ask import AskPages
from services.intake.adapters.pages.desk import desk_routes
from services.intake.adapters.pages.follow import FollowPages, PublicWords
from services.intake.adapters.pages.home import home_routes
from services.intake.adapters.pages.staff import staff_routes
from services.intake.adapters.partner_gateway import IntakePartnerGateway
from services.intake.adapters.partner_http import partner_routes, read_tokens
from services.intake.adapters.queries import SqlAuditQueries, SqlCaseQueries
from services.intake.adapters.redaction import redact
from services.intake.adapters.reference import (
    belgian_working_days,
    read_crisis_numbers,
    read_labels,
    read_policies,
    read_triage,
)
from services.intake.adapters.tables import CASE_LINKS, CASE_REFERRALS, CASES, LEARNERS, REPORTS, VAULT, WORKPLACES
from services.intake.adapters.vault import AuditedVault
from services.intake.application.border import Border
from services.intake.application.handlers import Handlers
from services.intake.application.partner_handlers import PartnerHandlers
from services.intake.projections.referrals import REFERRALS_OF_CASES
from services.intake.settings import IntakeSettings


def build(settings: IntakeSettings) -> Service:
    """The service, ready to run."""
    policies, working_days, code_lists = read_policies(), belgian_working_days(), CodeLists.read()
    partners = read_partners(settings.partners) if settings.partners else {}
    gateway = IntakePartnerGateway(partners, Border(redact, code_lists))
    tokens = read_tokens(settings.partner_tokens) if settings.partner_tokens else {}

    def routes(commands: Commands, pool: Pool) -> APIRouter:
        parts = [
            forms(commands),
            mailer_routes(commands, AuditedVault(pool), settings.public_url),
            *page_routes(commands, pool, settings),
        ]
        if tokens:
            parts.append(partner_routes(commands, gateway, tokens))
        if settings.oidc_issuer:
            parts.append(sign_in_routes(settings.oidc_issuer, settings.oidc_client_id, settings.public_url))
        # Not included, which would search them one after the other.
        return APIRouter(routes=[route for part in parts for route in part.routes])

    return Service(
        name="intake",
        handlers=(
            Handlers(read_triage(), policies, working_days, redact, code_lists),
            PartnerHandlers(policies, working_days, code_lists.institutions, code_lists.places),
        ),
        mappers=[CASES, CASE_LINKS, CASE_REFERRALS, VAULT, LEARNERS, WORKPLACES, REPORTS],
        projections=[REFERRALS_OF_CASES],
        migrations=Path(__file__).parent / "migrations",
        routes=routes,
        partner_gateway=gateway,
    )


def page_routes(commands: Commands, pool: Pool, settings: IntakeSettings) -> list[APIRouter]:
    """The pages, in the order in which their addresses are looked up."""
    pages = Pages(Path(__file__).parent / "templates")
    queries, audit, vault = SqlCaseQueries(pool), SqlAuditQueries(pool), AuditedVault(pool)
    labels, crisis_numbers = read_labels(), read_crisis_numbers()
    words = PublicWords(labels, crisis_numbers, read_policies(), settings.public_url)
    limits = Limits(per_address=settings.questions_per_address, in_all=settings.questions_in_all)
    return [
        home_routes(pages, crisis_numbers),
        AskPages(pages, commands, limits, redact, crisis_numbers).routes(),
        FollowPages(pages, commands, queries, vault, limits, words).routes(),
        staff_routes(pages, commands, queries, audit, labels),
        desk_routes(pages, commands, queries, vault, audit, labels),
    ]
