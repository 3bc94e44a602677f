"""A Slack workspace and a mail world on localhost, for trying out and for tests."""
