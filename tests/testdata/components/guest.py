"""A component in Python for `component_languages_test.ts`, which does what its path says."""

import json
import os
import sys

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports import monotonic_clock
from wit_world.imports.streams import StreamError_Closed
from wit_world.imports.types import (
    Fields,
    IncomingRequest,
    Method_Other,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)

# State that a second call of the same instance would see.
visits = 0
heap = []


def visit() -> str:
    global visits
    visits += 1
    heap.append("x" * 10_000)
    return f"{visits} {len(heap)}"


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        visited = visit()
        path, _, query = (request.path_with_query() or "").partition("?")
        fields = dict(request.headers().entries())
        if path == "/throw":
            raise ValueError("as asked")
        while path == "/loop":
            heap[0] = fields
        headers, status = [], 200
        if path == "/echo":
            headers = [("x-a", b"1"), ("content-type", fields.get("content-type", b"none"))]
            status = 201
        response = OutgoingResponse(Fields.from_list(headers))
        response.set_status_code(status)
        body = response.body()
        ResponseOutparam.set(response_out, Ok(response))
        with body.write() as output:
            if path == "/echo":
                for chunk in chunks(request):
                    output.blocking_write_and_flush(chunk)
            elif path == "/request":
                method = request.method()
                write(output, json.dumps({
                    "method": method.value if isinstance(method, Method_Other)
                    else type(method).__name__.removeprefix("Method_").upper(),
                    "query": query and f"?{query}",
                    "headers": [[name, value.decode()] for name, value in fields.items()
                                if name.startswith("x-")],
                    "body": b"".join(chunks(request)).decode(),
                }))
            else:
                write(output, visited)
            while path == "/drip":
                monotonic_clock.subscribe_duration(1_000_000).block()
                write(output, "drip ")
        OutgoingBody.finish(body, None)


def write(output, text: str) -> None:
    output.blocking_write_and_flush(text.encode())


def chunks(request: IncomingRequest):
    with request.consume() as incoming, incoming.stream() as stream:
        while True:
            try:
                yield stream.blocking_read(4096)
            except Err as error:
                if isinstance(error.value, StreamError_Closed):
                    return
                raise


class Run(exports.Run):
    def run(self) -> None:
        args = sys.argv[1:]
        name = os.environ.get("NAME")
        text = sys.stdin.read()
        print(json.dumps(
            {"args": args, "name": name, "input": text, "visited": visit()}, ensure_ascii=False))
        print("an error", file=sys.stderr)
        if args[:1] == ["fail"]:
            sys.exit(3)
        if args[:1] == ["throw"]:
            raise ValueError("as asked")
        while args[:1] == ["loop"]:
            heap[0] = args
