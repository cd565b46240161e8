"""Responds to GET with a greeting, and to any other method with the request body."""

from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports.streams import StreamError_Closed
from wit_world.imports.types import (
    Fields,
    IncomingRequest,
    Method_Get,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        headers = Fields.from_list([("content-type", b"text/plain; charset=utf-8")])
        response = OutgoingResponse(headers)
        body = response.body()
        ResponseOutparam.set(response_out, Ok(response))
        with body.write() as output:
            if isinstance(request.method(), Method_Get):
                output.blocking_write_and_flush("👋 Hello from Python\n".encode())
            else:
                with request.consume() as incoming, incoming.stream() as stream:
                    copy(stream, output)
        OutgoingBody.finish(body, None)


def copy(stream, output) -> None:
    """Copies a stream to its end, which is the error `closed`."""
    while True:
        try:
            chunk = stream.blocking_read(4096)
        except Err as error:
            if isinstance(error.value, StreamError_Closed):
                return
            raise
        output.blocking_write_and_flush(chunk)
