"""Serves MiniStack behind a guard, so that nothing on this machine but its own stack reaches it.

MiniStack asks for no credential and lets every web page read its answers. Its own AUTH=true also enforces IAM policies,
which breaks the deployment. The guard runs in MiniStack's process, so there is no second, unguarded port. It
  - refuses a Host that is not the stack's (a page whose name resolves to 127.0.0.1 sends its own),
  - refuses what a browser sends for a page (an Origin, or a Sec-Fetch-Site other than `none`) and every WebSocket,
  - takes requests that are signed with the stack's access key, or with a session that MiniStack's STS gave to it, in
    the Authorization header or in a presigned URL,
  - and removes the headers that allow pages to read answers.
The deployed API asks for a key of its own: below /_aws/execute-api/<its id>/, only the Host is looked at.

Environment, on top of MiniStack's own (GATEWAY_PORT and others): FLEETWRIGHT_ENGINE_HOSTS, the Host values that are
the stack's, comma-separated; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the stack's key.
"""

import asyncio
import json
import os
import re
import resource
import time
import uuid
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app
from ministack.core import iam_evaluator, lambda_runtime, sigv4
from ministack.services import lambda_svc, sqs

# With the id of an API and the slash after it: MiniStack takes what lacks either for a call of a service.
API_PATH = re.compile(r"/_aws/execute-api/[A-Za-z0-9]+/")
HEALTH_PATH = "/_localstack/health"
# A refused body is read to this size, so that the refusal arrives before the connection is closed.
LARGEST_REFUSED_BYTES = 8 * 1024 * 1024


class Refused(Exception):
    """A request that does not pass. `code` and `message` are AWS's where AWS has them."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


class Guard:
    """An ASGI application in front of another.

    `hosts`: the Host values that are the stack's, lower case. `keys`: see Keys.
    """

    def __init__(self, app, hosts, keys):
        self.app = app
        self.hosts = frozenset(hosts)
        self.keys = keys

    async def __call__(self, scope, receive, send):
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            # Nothing that is deployed here has a WebSocket; a close before the accept is answered with 403.
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = headers_of(scope)
        body = Body(receive)
        try:
            await self.admit(scope, headers, body)
        except Refused as refusal:
            await body.drain()
            await answer(send, refusal, scope, headers)
            return
        is_api = API_PATH.match(scope["path"])
        await self.app(scope, body.receive, send if is_api else without_cors(send))

    async def admit(self, scope, headers, body):
        """Raises Refused."""
        hosts = [value for name, value in scope["headers"] if name.lower() == b"host"]
        if len(hosts) != 1 or hosts[0].decode("latin-1").lower() not in self.hosts:
            raise Refused("AccessDenied", "The Host header does not name this stack.")
        if API_PATH.match(scope["path"]):
            return
        if "origin" in headers or headers.get("sec-fetch-site", "none") != "none":
            raise Refused("AccessDenied", "Web pages have no access.")
        if scope["path"] == HEALTH_PATH and scope["method"] == "GET":
            return
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        # Before the body: of what names no key of ours, nothing is kept.
        credential = self.keys.credential_of(headers, query)
        content = await body.read() if is_signed_over_body(headers) else b""
        self.keys.check(credential, scope, headers, query, content)


class Body:
    """A request's body, which the guard may read before the application receives it."""

    def __init__(self, receive):
        self.source = receive
        self.ended = False
        self.content = None

    async def receive(self):
        if self.content is not None:
            content, self.content = self.content, None
            return {"type": "http.request", "body": content, "more_body": False}
        message = await self.source()
        self.ended = message["type"] != "http.request" or not message.get("more_body", False)
        return message

    async def read(self):
        """The whole of it; it is received again afterwards. Raises Refused where it breaks off."""
        chunks = []
        while not self.ended:
            message = await self.receive()
            if message["type"] != "http.request":
                raise Refused("RequestTimeout", "The request ended before its body did.")
            chunks.append(message.get("body", b""))
        self.content = b"".join(chunks)
        return self.content

    async def drain(self):
        size = 0
        while not self.ended and size < LARGEST_REFUSED_BYTES:
            size += len((await self.receive()).get("body", b""))


def headers_of(scope):
    headers = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), decoded(raw_value)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def decoded(value):
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def is_signed_over_body(headers):
    """Whether the body is needed to check the signature: no digest is sent, or each chunk has a signature."""
    digest = headers.get("x-amz-content-sha256", "")
    return digest == "" or digest.startswith("STREAMING-AWS4-HMAC-SHA256-PAYLOAD")


def without_cors(send):
    async def send_without_cors(message):
        if message["type"] == "http.response.start":
            kept = [one for one in message.get("headers", []) if not one[0].lower().startswith(b"access-control-")]
            message = {**message, "headers": kept}
        await send(message)

    return send_without_cors


async def answer(send, refusal, scope, headers):
    """403 in the protocol of the service that was called, so that SDKs can tell why."""
    request_id = str(uuid.uuid4())
    code, message = escape(refusal.code), escape(refusal.message)
    if "/s3/aws4_request" in headers.get("authorization", "") or b"s3%2Faws4_request" in scope["query_string"]:
        content_type = "application/xml"
        text = f"<Error><Code>{code}</Code><Message>{message}</Message><RequestId>{request_id}</RequestId></Error>"
    elif headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        content_type = "text/xml"
        text = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    else:
        content_type = "application/json"
        text = json.dumps({"__type": refusal.code, "message": refusal.message})
    body = text.encode()
    await send(
        {
            "type": "http.response.start",
            "status": 403,
            "headers": [
                (b"content-type", content_type.encode()),
                (b"content-length", str(len(body)).encode()),
                (b"x-amzn-errortype", refusal.code.encode()),
                (b"x-amzn-requestid", request_id.encode()),
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})


class Keys:
    """The keys that requests may be signed with (AWS Signature Version 4), in a header or in a presigned URL.

    `secrets(access key id)`: its secret key, or None where the key is not known.
    """

    def __init__(self, secrets):
        self.secrets = secrets

    def credential_of(self, headers, query):
        """Returns the signature's parts and the secret key they name. Raises Refused."""
        presigned = is_presigned(headers, query)
        if not presigned and not headers.get("authorization", "").startswith("AWS4-HMAC-SHA256 "):
            raise Refused("MissingAuthenticationToken", "The request is not signed with the stack's access key.")
        parts = sigv4.parse_query_signature(query) if presigned else sigv4.parse_header_signature(headers)
        if isinstance(parts, tuple):
            raise Refused(*parts)
        if not parts.signature.isascii():
            raise Refused("IncompleteSignature", "The signature is not hexadecimal.")
        secret = self.secrets(parts.access_key_id)
        if not secret:
            raise Refused(unknown_key_code(parts.service), "The security token included in the request is invalid.")
        return parts, secret

    def check(self, credential, scope, headers, query, body):
        """Raises Refused where the signature is not that of this request, or its URL's time is over."""
        parts, secret = credential
        presigned = is_presigned(headers, query)
        if presigned and is_expired(parts, query):
            raise Refused("AccessDenied", "Request has expired")
        failure = sigv4.header_signature_failure(
            parts, secret, scope["method"], path_of(scope), query, headers, body, presigned=presigned
        )
        if failure:
            raise Refused(*failure)


def is_presigned(headers, query):
    return "authorization" not in headers and "X-Amz-Credential" in query


def is_expired(parts, query):
    try:
        return sigv4.presigned_request_is_expired(parts.amz_date, query.get("X-Amz-Expires", ["0"])[0])
    except (ValueError, OverflowError):
        return True


def path_of(scope):
    """The path as it was sent."""
    raw = scope.get("raw_path") or scope["path"].encode()
    return raw.decode("latin-1").partition("?")[0]


def unknown_key_code(service):
    """What AWS calls a key that it does not know."""
    if service == "s3":
        return "InvalidAccessKeyId"
    if service in ("dynamodb", "states", "ssm", "logs", "lambda", "events", "scheduler"):
        return "UnrecognizedClientException"
    return "InvalidClientTokenId"


class WakeWhenDue:
    """The event that the poller of Lambda's queues waits for; the wait also ends when a delayed message is due.

    MiniStack's poller learns of a message when it is sent, and looks once a second otherwise, so that a message with a
    delay reached its function up to a second late. SQS hands it out when the delay is over.
    """

    def __init__(self, event):
        self.event = event

    def set(self):
        self.event.set()

    def clear(self):
        self.event.clear()

    def wait(self, timeout):
        return self.event.wait(min(timeout, seconds_until_next_message()))


def seconds_until_next_message():
    """Infinite where no message is delayed, or hidden from receivers."""
    now = time.time()
    with sqs._queues_lock:
        due = [
            message["visible_at"] - now
            for _, queue in sqs._queues.all_items()
            for message in queue["messages"]
            if message["visible_at"] > now
        ]
    return min(due, default=float("inf"))


def main():
    os.umask(0o077)
    access_key_id, secret_access_key = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]

    # MiniStack has functions sign with their account's number. Replaced before its Lambda service refers to it.
    lambda_runtime.execution_credentials = lambda _config: {
        "AWS_ACCESS_KEY_ID": access_key_id,
        "AWS_SECRET_ACCESS_KEY": secret_access_key,
        "AWS_SESSION_TOKEN": "",
    }

    lambda_svc._esm_wake = WakeWhenDue(lambda_svc._esm_wake)

    def secrets(key_id):
        if key_id == access_key_id:
            return secret_access_key
        # MiniStack knows more keys for the account's own: `test`, and every account's number.
        if iam_evaluator.is_root_access_key(key_id):
            return None
        # CDK works with sessions of the roles that its bootstrap made.
        credential = iam_evaluator.resolve_credential(key_id)
        return None if isinstance(credential, iam_evaluator.CredentialResolutionError) else credential.secret_access_key

    # A burst of connections goes beyond the limit that a shell gives.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    config = Config()
    config.bind = [f"{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}"]
    # Longer than any client keeps an idle connection, as MiniStack's own start has it.
    config.keep_alive_timeout = 75
    config.loglevel = os.environ.get("LOG_LEVEL", "WARNING")
    hosts = os.environ["FLEETWRIGHT_ENGINE_HOSTS"].split(",")
    asyncio.run(serve(Guard(app, hosts, Keys(secrets)), config))


if __name__ == "__main__":
    main()
