"""Workflow Builder on the page: a person fills the inputs of one of the app's steps in, runs it, and sees what came of it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from core.errors import Refused
from sandbox.slack.state import JSON
from sandbox.slack.workspace import Workspace

RUN_SECONDS = 30.0
STILL_RUNNING = "The step is still running; look at the lead's card."


class Run(BaseModel):
    """A step with what stands in its fields."""

    callback_id: str
    inputs: dict[str, str] = {}


def step_routes(workspace: Workspace) -> APIRouter:
    """The steps that the manifest declares, and running one of them."""
    router = APIRouter(prefix="/sandbox")

    @router.get("/steps")
    def steps() -> dict[str, Any]:
        shown = [
            {
                "callback_id": callback_id,
                "title": declared["title"],
                "description": declared["description"],
                "inputs": list(declared["input_parameters"].values()),
            }
            for callback_id, declared in workspace.functions.items()
        ]
        return {"steps": shown}

    @router.post("/step")
    def run(act: Run) -> dict[str, Any]:
        declared = workspace.functions[act.callback_id]
        given = {
            name: value for name, value in act.inputs.items() if value.strip()
        }  # as Slack leaves them out
        for name, one in declared["input_parameters"].items():
            if one["is_required"] and name not in given:
                raise Refused(f"Slack runs no step without its “{one['title']}”.")
        execution = workspace.run_step(act.callback_id, given)
        try:
            workspace.wait_for(lambda: not execution.is_running, RUN_SECONDS)
        except AssertionError:
            raise Refused(STILL_RUNNING) from None
        return {"ok": True, "error": execution.error, "outputs": _named(execution.outputs or {}, declared)}

    return router


def _named(outputs: JSON, declared: JSON) -> list[tuple[str, str]]:
    return [(declared["output_parameters"][name]["title"], value) for name, value in outputs.items()]
