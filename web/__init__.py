"""HTTP: links, webhooks, health and Slack over HTTP."""
