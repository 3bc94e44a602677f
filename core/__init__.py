"""The rules and the data: knows no Slack, no arq, no SMTP and no HTTP."""
