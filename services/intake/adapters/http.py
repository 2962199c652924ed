"""Intake as an HTTP API: parse, call the application, answer."""

from typing import Annotated

from fastapi import APIRouter, Depends

from chassis.access import only
from chassis.actors import Actor, UserRole
from chassis.commands import Commands
from chassis.http import IdempotencyKey, json_only
from services.intake.application.commands import (
    AskQuestion,
    QuestionReceipt,
    RegisterWorkplace,
    ReportRisk,
    RiskReceipt,
    SearchReceipt,
    StartSearch,
    WorkplaceReceipt,
)

Team = Annotated[Actor, only(UserRole.OPERATOR, UserRole.COORDINATOR)]
TeamOrSchool = Annotated[Actor, only(UserRole.OPERATOR, UserRole.COORDINATOR, UserRole.SCHOOL)]


def forms(commands: Commands) -> APIRouter:
    """Every route answers 202: the request is accepted and stored, and its event is published a moment later."""
    router = APIRouter(dependencies=[Depends(json_only)])

    @router.post("/questions", status_code=202, summary="Ask a question")
    async def ask_question(command: AskQuestion, actor: Team, key: IdempotencyKey = None) -> QuestionReceipt:
        return await commands.execute(command, QuestionReceipt, key, actor=actor)

    @router.post("/risk-reports", status_code=202, summary="Report that a learner may drop out")
    async def report_risk(command: ReportRisk, actor: TeamOrSchool, key: IdempotencyKey = None) -> RiskReceipt:
        return await commands.execute(command, RiskReceipt, key, actor=actor)

    @router.post("/learner-searches", status_code=202, summary="Start to look for a workplace")
    async def start_search(command: StartSearch, actor: TeamOrSchool, key: IdempotencyKey = None) -> SearchReceipt:
        return await commands.execute(command, SearchReceipt, key, actor=actor)

    @router.post("/workplaces", status_code=202, summary="Offer a workplace")
    async def register_workplace(
        command: RegisterWorkplace, actor: Team, key: IdempotencyKey = None
    ) -> WorkplaceReceipt:
        return await commands.execute(command, WorkplaceReceipt, key, actor=actor)

    return router
