// A component of WASI 0.2: responds to GET with a greeting, and to any other method with its body.
package main

import (
	incominghandler "hello/internal/wasi/http/incoming-handler"
	"hello/internal/wasi/http/types"

	"go.bytecodealliance.org/cm"
)

type result = cm.Result[types.ErrorCodeShape, types.OutgoingResponse, types.ErrorCode]

func init() {
	incominghandler.Exports.Handle = handle
}

func handle(request types.IncomingRequest, out types.ResponseOutparam) {
	headers := types.NewFields()
	value := types.FieldValue(cm.ToList([]byte("text/plain; charset=utf-8")))
	headers.Set("content-type", cm.ToList([]types.FieldValue{value}))
	response := types.NewOutgoingResponse(headers)
	body := must(response.Body())
	types.ResponseOutparamSet(out, cm.OK[result](response))
	output := must(body.Write())
	if request.Method() == types.MethodGet() {
		output.BlockingWriteAndFlush(cm.ToList([]byte("👋 Hello from TinyGo\n")))
	} else {
		incoming := must(request.Consume())
		input := must(incoming.Stream())
		for {
			// BlockingSplice returns the error `closed` after the last byte.
			if copied := output.BlockingSplice(input, 65_536); copied.IsErr() {
				break
			}
		}
		input.ResourceDrop()
		incoming.ResourceDrop()
	}
	output.ResourceDrop()
	types.OutgoingBodyFinish(body, cm.None[types.Trailers]())
}

// must returns the value of a result that has no error.
func must[T any](result cm.Result[T, T, struct{}]) T {
	return *result.OK()
}

func main() {}
