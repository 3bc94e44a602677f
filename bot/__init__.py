"""Slack: commands, buttons, modals and cards."""
