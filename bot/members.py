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
from sqlmodel import col, select

from bot.rights import Need
from bot.text import JSON, clean
from core.db import Database
from core.errors import Refused
from core.journal import note
from core.models import WORKSPACE_ID, Member, Workspace
from core.names import strangers
from core.people import Actor
from core.words import some

log = logging.getLogger("fermata.bot")

FRESH = timedelta(hours=1)
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
NAME_CHARS = 80
MOST_ASKED = 5  # people that a refusal names
# An answer waits no longer than this for the names of people who have never spoken.
NAMES_SECONDS = 1
SILENCE = timedelta(minutes=1)
NOT_A_MEMBER = (
    "Only full members of this workspace can use Fermata; guests and people of other workspaces cannot."
)
NOT_AN_OPERATOR = "You are not among the people who may use Fermata here (FERMATA_OPERATORS)."
NOT_AN_ADMIN = "That needs an admin of Fermata (FERMATA_ADMINS)."
ONLY_LOOKS = "You may look at everything here and change nothing (FERMATA_VIEWERS)."
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
        viewers: Collection[str] = (),
        who_may_act: str = "everyone",
    ) -> None:
        self._db, self._client = db, client
        self._admins, self._operators = frozenset(admins), frozenset(operators)
        self._viewers, self._is_owners_only = frozenset(viewers), who_may_act == "owner"
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
        return Actor(member.id, member.name, member.zone, is_bound=self._is_bound(member.id, now=now))

    def _is_bound(self, user_id: str, *, now: datetime) -> bool:
        """Say whether mail may go on only to leads of their own; an admin whom Slack does not confirm counts as none."""
        return self._is_owners_only and not self._is_among(user_id, self._admins, now=now, if_silent=False)

    def meet(self, *, now: datetime, named: Iterable[str] = ()) -> None:
        """Get to know owners and authors who have never spoken, so that they are shown by name, and these people.

        Whom Slack does not know, or not in time, is shown by id until somebody asks again.
        """
        until = time.monotonic() + NAMES_SECONDS
        if abs(now - self._silent_at) < SILENCE:
            return
        with self._db.read() as session:
            known = session.exec(select(Member.id).where(col(Member.id).in_(list(named)))) if named else ()
            unmet = [*(set(named) - set(known)), *strangers(session)]
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

    def regrouped(self, group_id: str) -> None:
        """Take note that people came into a user group or left it: whoever is in it is asked for anew."""
        self._groups.pop(group_id, None)

    def _member(self, user_id: str, need: Need, *, now: datetime) -> Member:
        with self._db.read() as session:
            known = session.get(Member, user_id)
        if known is not None and abs(now - known.seen_at) < FRESH:
            return known
        try:
            return self._store(self._ask(user_id, self._client), user_id, now=now)
        except Silent:
            if known is not None and need <= Need.STOPS_MAIL:
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
        # A group that nobody can look into keeps nobody from stopping mail, and lets nobody start it.
        if_silent = True if need <= Need.STOPS_MAIL else None
        acting = self._operators | self._admins
        if self._is_only_looking(member.id, acting, now=now, if_silent=None if if_silent is None else False):
            if need is not Need.READS:
                raise Refused(self._ask_instead(ONLY_LOOKS, acting))
            return
        if self._operators and not self._is_among(member.id, acting, now=now, if_silent=if_silent):
            raise Refused(self._ask_instead(NOT_AN_OPERATOR, self._admins))
        is_too_much = need is Need.IS_FOR_ADMINS and self._admins
        if is_too_much and not self._is_among(member.id, self._admins, now=now, if_silent=if_silent):
            raise Refused(self._ask_instead(NOT_AN_ADMIN, self._admins))

    def _is_only_looking(
        self, user_id: str, acting: Collection[str], *, now: datetime, if_silent: bool | None
    ) -> bool:
        """Say whether somebody is named among the viewers, and not among those who act as well."""
        if not self._viewers or self._is_among(user_id, acting, now=now, if_silent=if_silent):
            return False
        return self._is_among(user_id, self._viewers, now=now, if_silent=if_silent)

    def _ask_instead(self, sentence: str, ids: Collection[str]) -> str:
        """Give a refusal that names who can do it, as far as they are known here."""
        users = {id for id in ids if not id.startswith("S")}.union(
            *(group.users for id, group in list(self._groups.items()) if id in ids)
        )
        with self._db.read() as session:
            query = select(Member.name).where(col(Member.id).in_(users), col(Member.is_deleted).is_(False))
            known = sorted(session.exec(query))
        return f"{sentence} Ask {some(known, MOST_ASKED) if known else 'whoever runs it'}."

    def _is_among(self, user_id: str, ids: Collection[str], *, now: datetime, if_silent: bool | None) -> bool:
        """Say whether a user is named or in a named group; `if_silent` None: raises Refused where Slack does not say."""
        if user_id in ids:
            return True
        try:
            return any(user_id in users for users in self._users_of(ids, now=now))
        except Silent:
            if if_silent is not None:
                return if_silent
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
