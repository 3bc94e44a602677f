"""Who may do what on the page: the user groups that Fermata's settings name, of which each person is in one or in none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from sandbox.slack.workspace import Workspace

ADMINS, OPERATORS, VIEWERS = "S0ADMINS", "S0OPERATORS", "S0VIEWERS"
# user group, its name in Slack, what whoever is in it may do
ROLES: Sequence[tuple[str, str, str]] = (
    (ADMINS, "admins", "May do everything here."),
    (OPERATORS, "operators", "Works with leads; what touches everybody is for admins."),
    (VIEWERS, "viewers", "Looks at everything and changes nothing."),
    ("", "in no group", "May not use Fermata here."),
)


class Chosen(BaseModel):
    """The group that a person is put into; "": none of them."""

    user: str
    group: str


def furnish(workspace: Workspace) -> None:
    """Make the groups; everybody but guests begins as an admin."""
    members = [user.id for user in workspace.state.users.values() if not (user.is_bot or user.is_restricted)]
    workspace.state.usergroups |= {ADMINS: members, OPERATORS: [], VIEWERS: []}


def role_routes(workspace: Workspace) -> APIRouter:
    """The groups with who is in them, and putting a person into one."""
    router = APIRouter(prefix="/sandbox")

    @router.get("/roles")
    def roles() -> dict[str, Any]:
        groups = workspace.state.usergroups
        return {
            "roles": [
                {"group": group, "name": name, "may": may, "users": groups.get(group, [])}
                for group, name, may in ROLES
                if not group or group in groups
            ]
        }

    @router.post("/role")
    def put(act: Chosen) -> dict[str, Any]:
        person = workspace.person(act.user).id
        for group in (one for one, _, _ in ROLES if one):
            others = [user for user in workspace.state.usergroups.get(group, []) if user != person]
            workspace.regroup(group, [*others, person] if group == act.group else others)
        return {"ok": True}

    return router
