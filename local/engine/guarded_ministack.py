"""Serves MiniStack behind a guard. Only programs with the local stack's key can call its AWS services.

MiniStack asks for no credential and lets every web page read its answers. MiniStack's setting AUTH=true also enforces
IAM policies, which breaks the deployment. The guard runs in MiniStack's process. Therefore no second, unguarded port
exists. The guard
  - refuses a Host that is not the stack's (a page whose own name resolves to 127.0.0.1 sends that name),
  - refuses what a browser sends for a page (an Origin, or a Sec-Fetch-Site other than `none`) and every WebSocket,
  - accepts requests signed with the stack's access key, or with a session that MiniStack's STS issued for this
    key, in the Authorization header or in a presigned URL,
  - and removes the headers that allow pages to read answers.
The deployed API itself checks API keys. Therefore, below /_aws/execute-api/<its id>/, the guard only checks the Host.

Environment variables, in addition to MiniStack's own (GATEWAY_PORT and others): FLEETWRIGHT_ENGINE_HOSTS has the
stack's Host values, comma-separated. AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY have the stack's key.
"""

import asyncio
import json
import os
import re
import resource
import time
import uuid
from functools import lru_cache
from types import SimpleNamespace
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app
from ministack.core import iam_evaluator, lambda_runtime, sigv4
from ministack.services import dynamodb, lambda_svc, sqs

try:
    import uvicorn
except ModuleNotFoundError:
    uvicorn = None

# MiniStack treats a path without the API's id, or without the slash after the id, as a call to an AWS service.
API_PATH = re.compile(r"/_aws/execute-api/[A-Za-z0-9]+/")
HEALTH_PATH = "/_localstack/health"
# The body of a refused request is read up to this size. If it were not read, the connection could close before the
# refusal arrives.
LARGEST_REFUSED_BYTES = 8 * 1024 * 1024


class Refused(Exception):
    """Raised to refuse a request. `code` and `message` are AWS's own, if AWS has an error for this case."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


class Guard:
    """Checks each request before it passes the request to the ASGI application `app`.

    `hosts`: the stack's Host values, in lower case. `keys`: see Keys.
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
            # No deployed part uses WebSockets. If a WebSocket is closed before it is accepted, the client gets 403.
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
        """Checks a request. Raises Refused."""
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
        # Check the key before reading the body: for an unknown key, no part of the body is kept in memory.
        credential = self.keys.credential_of(headers, query)
        content = await body.read() if is_signed_over_body(headers) else b""
        self.keys.check(credential, scope, headers, query, content)


class Body:
    """Holds a request's body. The guard may read it before the application receives it."""

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
        """Reads the whole body; the application receives it afterwards. Raises Refused if the body is incomplete."""
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
    """Returns true if the signature check needs the body: the request has no body digest, or signs its chunks."""
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
    """Answers 403 in the protocol of the called service, so that SDKs can report the reason."""
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
    """Checks signatures (AWS Signature Version 4), in a header or in a presigned URL.

    `secrets(access key id)` returns the secret key, or None for an unknown key.
    """

    def __init__(self, secrets):
        self.secrets = secrets

    def credential_of(self, headers, query):
        """Returns the signature's parts, and the secret key of the access key that they name. Raises Refused."""
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
        """Checks the signature. Raises Refused if it does not belong to this request, or a presigned URL has expired."""
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
    """Returns the path as it was sent."""
    raw = scope.get("raw_path") or scope["path"].encode()
    return raw.decode("latin-1").partition("?")[0]


def unknown_key_code(service):
    """Returns the service's error code for an unknown key."""
    if service == "s3":
        return "InvalidAccessKeyId"
    if service in ("dynamodb", "states", "ssm", "logs", "lambda", "events", "scheduler"):
        return "UnrecognizedClientException"
    return "InvalidClientTokenId"


class WakeWhenDue:
    """Wakes the poller of Lambda's queues when a message is sent, and also when a delayed message is due.

    MiniStack's poller only wakes when a message is sent, and once a second. Without this class, a delayed message would
    reach its function up to a second late. SQS on AWS delivers such a message as soon as the delay is over.
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
    """Returns the seconds until the next delayed or hidden message becomes visible; infinity if there is none."""
    now = time.time()
    with sqs._queues_lock:
        due = [
            message["visible_at"] - now
            for _, queue in sqs._queues.all_items()
            for message in queue["messages"]
            if message["visible_at"] > now
        ]
    return min(due, default=float("inf"))


def copied(value):
    """Copies an item of a table. Items have only JSON's types and bytes, for which `copy.deepcopy` is slow."""
    if type(value) is dict:
        return {name: copied(one) for name, one in value.items()}
    if type(value) is list:
        return [copied(one) for one in value]
    return value


def parse_expressions_once():
    """Makes DynamoDB's expressions cheaper. MiniStack parses a key condition again for each item of a partition."""
    dynamodb._tokenize = lru_cache(maxsize=4096)(dynamodb._tokenize)
    dynamodb._condition_syntax_error = lru_cache(maxsize=4096)(dynamodb._condition_syntax_error)
    dynamodb.copy = SimpleNamespace(deepcopy=copied)


def main():
    os.umask(0o077)
    parse_expressions_once()
    access_key_id, secret_access_key = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]

    # By default, functions in MiniStack sign requests with the account's number as their key, which the guard refuses.
    lambda_runtime.execution_credentials = lambda _config: {
        "AWS_ACCESS_KEY_ID": access_key_id,
        "AWS_SECRET_ACCESS_KEY": secret_access_key,
        "AWS_SESSION_TOKEN": "",
    }

    lambda_svc._esm_wake = WakeWhenDue(lambda_svc._esm_wake)

    def secrets(key_id):
        if key_id == access_key_id:
            return secret_access_key
        # MiniStack also accepts `test` and every account's number as keys of the account. The guard refuses these keys.
        if iam_evaluator.is_root_access_key(key_id):
            return None
        # CDK signs with sessions of the roles that its bootstrap made.
        credential = iam_evaluator.resolve_credential(key_id)
        return None if isinstance(credential, iam_evaluator.CredentialResolutionError) else credential.secret_access_key

    # Raises the limit of open files, because a burst of connections can exceed the limit that a shell sets.
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    hosts = os.environ["FLEETWRIGHT_ENGINE_HOSTS"].split(",")
    listen(Guard(app, hosts, Keys(secrets)))


# In seconds: longer than any client keeps an idle connection open.
IDLE_SECONDS = 75


def listen(guard):
    """Serves the guard until a signal ends the process.

    uvicorn needs less computing for a request than Hypercorn. The Docker image of MiniStack only has Hypercorn.
    """
    host, port = os.environ["BIND_HOST"], int(os.environ["GATEWAY_PORT"])
    level = os.environ.get("LOG_LEVEL", "WARNING")
    if uvicorn is None:
        config = Config()
        config.bind = [f"{host}:{port}"]
        config.keep_alive_timeout = IDLE_SECONDS
        config.loglevel = level
        asyncio.run(serve(guard, config))
        return
    uvicorn.run(
        guard,
        host=host,
        port=port,
        lifespan="on",
        timeout_keep_alive=IDLE_SECONDS,
        # In seconds: `local down` kills a process that does not end within five.
        timeout_graceful_shutdown=2,
        access_log=False,
        log_level=level.lower(),
        proxy_headers=False,
        server_header=False,
        date_header=False,
    )


if __name__ == "__main__":
    main()
