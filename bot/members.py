"""Who may act: full members of our own workspace, and of them only those the settings name (DESIGN G10).

Members are kept in the database and asked for anew after an hour. When Slack cannot be asked, a member we know may
still stop mail; nobody may start it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPException
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web import SlackResponse
from sqlalchemy.exc import IntegrityError

from bot.rights import Need
from bot.text import JSON, clean
from core.db import Database
from core.errors import Refused
from core.journal import note
from core.models import WORKSPACE_ID, Member, Workspace
from core.names import strangers
from core.people import Actor

log = logging.getLogger("fermata.bot")

FRESH = timedelta(hours=1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
NAME_CHARS = 80
# An answer waits no longer than this for the names of people who have never spoken.
NAMES_SECONDS = 1
SILENCE = timedelta(minutes=1)
NOT_A_MEMBER = (
    "Only full members of this workspace can use Fermata; guests and people of other workspaces cannot."
)
NOT_AN_OPERATOR = (
    "You are not among the people who may use Fermata here. Ask whoever runs it (FERMATA_OPERATORS)."
)
NOT_AN_ADMIN = "That needs an admin of Fermata. Ask one of them (FERMATA_ADMINS)."
SLACK_IS_SILENT = "Slack could not confirm who you are, so nothing was changed. Try again in a minute."
UNREACHABLE = (SlackClientError, OSError, HTTPException)


class Silent(Exception):
    """Slack could not be asked."""


class Bot(Refused):
    """A bot acted; it gets no answer, so that two of them never talk for ever."""


@dataclass(frozen=True)
class _Group:
    users: frozenset[str]
    asked_at: datetime


class Members:
    """The people of the workspace, and what they may do."""

    def __init__(
        self,
        db: Database,
        client: WebClient,
        *,
        admins: Collection[str] = (),
        operators: Collection[str] = (),
    ) -> None:
        self._db, self._client = db, client
        self._admins, self._operators = frozenset(admins), frozenset(operators)
        self._hasty = WebClient(client.token, client.base_url, timeout=NAMES_SECONDS, retry_handlers=[])
        self._nobody: dict[str, datetime] = {}  # ids that Slack does not know, and when it said so
        self._silent_at = LONG_AGO
        self._groups: dict[str, _Group] = {}
        self._team: str | None = None
        self._lock = threading.Lock()

    def admit(self, user_id: str, need: Need, *, now: datetime) -> Actor:
        """Give the person as an actor; raises Refused, and journals it, when they may not do this."""
        try:
            member = self._member(user_id, need, now=now)
            self._check(member, need, now=now)
        except Bot:
            raise
        except Refused as refused:
            self._journal(user_id, str(refused), now=now)
            raise
        return Actor(id=member.id, name=member.name, zone=member.zone)

    def meet(self, *, now: datetime) -> None:
        """Get to know owners and authors who have never spoken, so that they are shown by name.

        Whom Slack does not know, or not in time, is shown by id until somebody asks again.
        """
        until = time.monotonic() + NAMES_SECONDS
        if abs(now - self._silent_at) < SILENCE:
            return
        with self._db.read() as session:
            unmet = strangers(session)
        for user_id in unmet:
            if abs(now - self._nobody.get(user_id, LONG_AGO)) < FRESH:
                continue
            if time.monotonic() > until:
                return
            try:
                self._store(self._ask(user_id, self._hasty), user_id, now=now)
            except Silent:
                self._silent_at = now
                return
            except Refused:
                self._nobody[user_id] = now

    def zone(self, user_id: str) -> str:
        """Give the zone in which this person's words are read, without asking Slack."""
        with self._db.read() as session:
            member, workspace = session.get(Member, user_id), session.get(Workspace, WORKSPACE_ID)
            return (member and member.zone) or (workspace and workspace.zone) or "UTC"

    def changed(self, user: JSON) -> None:
        """Take note that Slack says a member changed: bad news counts at once, good news is asked for again."""
        with self._db.write() as session:
            known = session.get(Member, str(user.get("id")))
            if known is not None:
                known.is_guest |= _is_guest(user)
                known.is_deleted |= bool(user.get("deleted"))
                known.seen_at = LONG_AGO
                session.add(known)

    def _member(self, user_id: str, need: Need, *, now: datetime) -> Member:
        with self._db.read() as session:
            known = session.get(Member, user_id)
        if known is not None and abs(now - known.seen_at) < FRESH:
            return known
        try:
            return self._store(self._ask(user_id, self._client), user_id, now=now)
        except Silent:
            if known is not None and need is Need.STOPS_MAIL:
                return known
            raise Refused(SLACK_IS_SILENT) from None

    def _ask(self, user_id: str, client: WebClient) -> JSON | None:
        """Give what Slack says of a user; None: Slack does not show them to us."""
        try:
            return dict(self._call(lambda: client.users_info(user=user_id))["user"])
        except SlackApiError:
            return None

    def _call(self, method: Callable[[], SlackResponse]) -> SlackResponse:
        """Call Slack; raises SlackApiError where it says that something does not exist, else Silent."""
        try:
            return method()
        except SlackApiError as refused:
            if refused.response.get("error") in {"user_not_found", "user_not_visible", "no_such_subteam"}:
                raise
            log.warning("slack_refused method_error=%s", refused.response.get("error"))
            raise Silent from None
        except UNREACHABLE as silent:
            log.warning("slack_unreachable error=%s", type(silent).__name__)
            raise Silent from None

    def _store(self, user: JSON | None, user_id: str, *, now: datetime) -> Member:
        if user is None:
            raise Refused(NOT_A_MEMBER)
        is_ours = self._is_ours(user)
        member = Member(
            id=user_id,
            name=_name(user),
            zone=_zone(user),
            is_guest=_is_guest(user) or not is_ours,
            is_bot=bool(user.get("is_bot")),
            is_deleted=bool(user.get("deleted")),
            seen_at=now,
        )
        self._keep(member)
        return member

    def _keep(self, member: Member) -> None:
        for _ in range(2):
            # Somebody's first two commands may come at once; the second then finds the row of the first.
            with contextlib.suppress(IntegrityError), self._db.write() as session:
                session.merge(member)
                return

    def _is_ours(self, user: JSON) -> bool:
        teams = {user.get("team_id"), *(user.get("enterprise_user") or {}).get("teams", ())}
        return self._own_team() in teams

    def _own_team(self) -> str:
        with self._lock:
            if self._team is None:
                self._team = str(self._call(self._client.auth_test)["team_id"])
            return self._team

    def _check(self, member: Member, need: Need, *, now: datetime) -> None:
        if member.is_bot:
            raise Bot("Bots cannot use Fermata.")
        if member.is_guest or member.is_deleted:
            raise Refused(NOT_A_MEMBER)
        if self._operators and not self._is_among(member.id, self._operators | self._admins, need, now=now):
            raise Refused(NOT_AN_OPERATOR)
        if (
            need is Need.IS_FOR_ADMINS
            and self._admins
            and not self._is_among(member.id, self._admins, need, now=now)
        ):
            raise Refused(NOT_AN_ADMIN)

    def _is_among(self, user_id: str, ids: Collection[str], need: Need, *, now: datetime) -> bool:
        """Say whether a user is named or in a named group; a group nobody can look into keeps nobody from stopping."""
        if user_id in ids:
            return True
        try:
            return any(user_id in users for users in self._users_of(ids, now=now))
        except Silent:
            if need is Need.STOPS_MAIL:
                return True
            raise Refused(SLACK_IS_SILENT) from None

    def _users_of(self, ids: Iterable[str], *, now: datetime) -> Iterable[frozenset[str]]:
        for group_id in sorted(id for id in ids if id.startswith("S")):
            known = self._groups.get(group_id)
            if known is None or abs(now - known.asked_at) >= FRESH:
                known = self._groups[group_id] = _Group(self._ask_group(group_id), now)
            yield known.users

    def _ask_group(self, group_id: str) -> frozenset[str]:
        try:
            return frozenset(
                self._call(lambda: self._client.usergroups_users_list(usergroup=group_id))["users"]
            )
        except SlackApiError:
            log.warning("slack_group_unknown group=%s", group_id)
            return frozenset()

    def _journal(self, user_id: str, reason: str, *, now: datetime) -> None:
        with self._db.write() as session:
            note(session, "refused", actor=Actor(user_id, user_id), now=now, reason=reason)


def _is_guest(user: JSON) -> bool:
    return any(user.get(flag) for flag in ("is_restricted", "is_ultra_restricted", "is_stranger"))


def _name(user: JSON) -> str:
    """Give the real name, which says who it was; a display name may say anything."""
    profile: Any = user.get("profile") or {}
    said = (
        profile.get("real_name") or user.get("real_name") or profile.get("display_name") or user.get("name")
    )
    return clean(str(said or user.get("id")), NAME_CHARS)


def _zone(user: JSON) -> str:
    """Give the zone of a profile; "" for one without, whose dates are then read in the workspace's and say so."""
    try:
        return ZoneInfo(str(user["tz"])).key
    except (KeyError, ValueError, ZoneInfoNotFoundError, OSError):
        return ""
