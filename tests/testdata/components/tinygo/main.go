// A component for component_languages_test.ts, which does what its path or its first argument says.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	monotonicclock "guest/internal/wasi/clocks/monotonic-clock"
	incominghandler "guest/internal/wasi/http/incoming-handler"
	"guest/internal/wasi/http/types"
	"guest/internal/wasi/io/streams"

	"go.bytecodealliance.org/cm"
)

// State that a second call of the same instance would see.
var (
	visits int
	heap   []string
)

func visit() string {
	visits++
	heap = append(heap, strings.Repeat("x", 10_000))
	return fmt.Sprintf("%d %d", visits, len(heap))
}

func init() {
	incominghandler.Exports.Handle = handle
}

func handle(request types.IncomingRequest, out types.ResponseOutparam) {
	visited := visit()
	path, query, hasQuery := strings.Cut(request.PathWithQuery().Value(), "?")
	if hasQuery {
		query = "?" + query
	}
	if path == "/throw" {
		panic("as asked")
	}
	for path == "/loop" {
		heap[0] = path
	}
	entries := request.Headers().Entries().Slice()
	headers := types.NewFields()
	status := types.StatusCode(200)
	if path == "/echo" {
		status = 201
		set(headers, "x-a", "1")
		set(headers, "content-type", "none")
		for _, entry := range entries {
			if entry.F0 == "content-type" {
				set(headers, "content-type", string(entry.F1.Slice()))
			}
		}
	}
	response := types.NewOutgoingResponse(headers)
	response.SetStatusCode(status)
	body := must(response.Body())
	types.ResponseOutparamSet(out, cm.OK[cm.Result[types.ErrorCodeShape, types.OutgoingResponse, types.ErrorCode]](response))
	output := must(body.Write())
	switch path {
	case "/echo":
		read(request, func(bytes []byte) { write(output, bytes) })
	case "/request":
		answer := map[string]any{"method": method(request), "query": query}
		kept := [][2]string{}
		for _, entry := range entries {
			if strings.HasPrefix(string(entry.F0), "x-") {
				kept = append(kept, [2]string{string(entry.F0), string(entry.F1.Slice())})
			}
		}
		answer["headers"] = kept
		var text []byte
		read(request, func(bytes []byte) { text = append(text, bytes...) })
		answer["body"] = string(text)
		bytes, _ := json.Marshal(answer)
		write(output, bytes)
	default:
		write(output, []byte(visited))
	}
	for path == "/drip" {
		monotonicclock.SubscribeDuration(1_000_000).Block()
		write(output, []byte("drip "))
	}
	output.ResourceDrop()
	types.OutgoingBodyFinish(body, cm.None[types.Trailers]())
}

// must returns the value of a result that has no error.
func must[T any](result cm.Result[T, T, struct{}]) T {
	return *result.OK()
}

func method(request types.IncomingRequest) string {
	method := request.Method()
	if other := method.Other(); other != nil {
		return *other
	}
	return strings.ToUpper(method.String())
}

func set(headers types.Fields, name, value string) {
	values := []types.FieldValue{types.FieldValue(cm.ToList([]byte(value)))}
	headers.Set(types.FieldName(name), cm.ToList(values))
}

func write(output streams.OutputStream, bytes []byte) {
	for len(bytes) > 0 {
		n := min(len(bytes), 4096)
		written := output.BlockingWriteAndFlush(cm.ToList(bytes[:n]))
		if written.IsErr() {
			panic("the client left")
		}
		bytes = bytes[n:]
	}
}

func read(request types.IncomingRequest, take func([]byte)) {
	body := must(request.Consume())
	stream := must(body.Stream())
	for {
		chunk := stream.BlockingRead(65_536)
		if chunk.IsErr() {
			break // the end of the body
		}
		take(chunk.OK().Slice())
	}
	stream.ResourceDrop()
	body.ResourceDrop()
}

func main() {
	input, err := io.ReadAll(os.Stdin)
	if err != nil {
		panic(err)
	}
	answer := map[string]any{"args": os.Args[1:], "name": os.Getenv("NAME"), "input": string(input), "visited": visit()}
	bytes, _ := json.Marshal(answer)
	fmt.Println(string(bytes))
	fmt.Fprintln(os.Stderr, "an error")
	first := append(os.Args, "")[1]
	if first == "fail" {
		os.Exit(3)
	}
	if first == "throw" {
		panic("as asked")
	}
	for first == "loop" {
		heap[0] = first
	}
}
