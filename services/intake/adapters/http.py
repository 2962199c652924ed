"""The four forms of intake as an HTTP API: parse, call the application, answer."""

from fastapi import APIRouter, Depends

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


def forms(commands: Commands) -> APIRouter:
    """Every route answers 202: the request is accepted and stored, and its event is published a moment later."""
    router = APIRouter(dependencies=[Depends(json_only)])

    @router.post("/questions", status_code=202, summary="Ask a question")
    async def ask_question(command: AskQuestion, key: IdempotencyKey = None) -> QuestionReceipt:
        return await commands.execute(command, QuestionReceipt, key)

    @router.post("/risk-reports", status_code=202, summary="Report that a learner may drop out")
    async def report_risk(command: ReportRisk, key: IdempotencyKey = None) -> RiskReceipt:
        return await commands.execute(command, RiskReceipt, key)

    @router.post("/learner-searches", status_code=202, summary="Start to look for a workplace")
    async def start_search(command: StartSearch, key: IdempotencyKey = None) -> SearchReceipt:
        return await commands.execute(command, SearchReceipt, key)

    @router.post("/workplaces", status_code=202, summary="Offer a workplace")
    async def register_workplace(command: RegisterWorkplace, key: IdempotencyKey = None) -> WorkplaceReceipt:
        return await commands.execute(command, WorkplaceReceipt, key)

    return router
