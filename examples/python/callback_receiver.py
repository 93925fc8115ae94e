"""Takes callbacks and checks who sent them. Standard library only, Python 3.9 or later.

    python3 callback_receiver.py KEYFILE [PORT]

Prints "listening on URL", then one line of JSON per record it takes. KEYFILE holds the key the coordinator
was given with --callback-key.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Older deliveries may be somebody's recording.
AGE_MAX_S = 300


def is_genuine(key: bytes, headers, body: bytes) -> bool:
    """Whether the sender knows the key: HMAC-SHA256 over id, time and body."""
    event, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not at.isdigit() or abs(time.time() - int(at)) > AGE_MAX_S:
        return False
    signed = f"{event}.{at}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(f"v1,{expected}", one) for one in given)


class Receiver(BaseHTTPRequestHandler):
    key = b""
    # A real receiver keeps these where they survive: a record may come more than once.
    taken = set()

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        if not is_genuine(self.key, self.headers, body):
            self.answer(401)
            return
        event = self.headers["webhook-id"]
        if event not in self.taken:
            self.taken.add(event)
            print(json.dumps(json.loads(body)), flush=True)
        self.answer(204)

    def answer(self, status):
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    with open(sys.argv[1], encoding="ascii") as file:
        Receiver.key = base64.b64decode(file.read().strip().removeprefix("whsec_"))
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    server = ThreadingHTTPServer(("127.0.0.1", port), Receiver)
    print(f"listening on http://127.0.0.1:{server.server_port}/", flush=True)
    server.serve_forever()
