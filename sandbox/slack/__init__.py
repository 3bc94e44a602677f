"""A Slack workspace on localhost that speaks Slack's protocol to a real app."""

from sandbox.slack.blocks import check_blocks, check_message, check_view
from sandbox.slack.delivery import SignedHttp, SocketHub
from sandbox.slack.people import Outcome, Person
from sandbox.slack.routes import slack_routes
from sandbox.slack.serve import running, serving
from sandbox.slack.state import Message, User, View
from sandbox.slack.workspace import Command, Workspace

__all__ = [
    "Command",
    "Message",
    "Outcome",
    "Person",
    "SignedHttp",
    "SocketHub",
    "User",
    "View",
    "Workspace",
    "check_blocks",
    "check_message",
    "check_view",
    "running",
    "serving",
    "slack_routes",
]
