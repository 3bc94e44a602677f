"""A real token endpoint on loopback, which also tells an IMAP server whose token it is (RFC 6749, RFC 7662)."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from jobs.oauth import Provider


class Endpoint:
    """`answer`: status and body of the next requests for a token. `asked`: the forms that came. `owner`: whose tokens they are."""

    def __init__(self, owner="ana@x.test"):
        self.owner = owner
        self.answer = (200, {"access_token": "good-token", "expires_in": 3600})
        self.good = {"good-token"}
        self.asked = []
        self.url = ""

    def provider(self, **more):
        """A provider that lives here."""
        values = {
            "title": "Google",
            "token_url": f"{self.url}/token",
            "client_id": "us",
            "client_secret": "hush",
        }
        return Provider(**{**values, "variables": "FERMATA_GOOGLE_CLIENT_ID", **more})


@contextmanager
def running(owner="ana@x.test"):
    """An endpoint for the length of the block."""
    endpoint = Endpoint(owner)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            form = self.rfile.read(int(self.headers["Content-Length"])).decode()
            endpoint.asked.append({name: values[0] for name, values in parse_qs(form).items()})
            self._say(*endpoint.answer)

        def do_GET(self):
            is_good = endpoint.good.issuperset(parse_qs(urlsplit(self.path).query).get("token", [""]))
            self._say(200, {"email": endpoint.owner, "active": "yes" if is_good else "no"})

        def _say(self, status, body):
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        endpoint.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield endpoint
        finally:
            server.shutdown()
            thread.join()
