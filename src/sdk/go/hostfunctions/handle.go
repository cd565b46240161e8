// Package hostfunctions connects a Go program to Capsule, the launcher that runs it as a
// WebAssembly module.
//
// A program registers a handler in main, with SetHandle for cli mode or SetHandleHttp for http
// mode. The handler calls the other functions of this package. Build it with TinyGo 0.27 or later:
//
//	tinygo build -o hello.wasm -scheduler=none --no-debug -target wasi ./hello.go
package hostfunctions

// The handlers that main registers. Capsule calls the handler of its mode. If main has not
// registered that handler, it is nil: the call panics, and Capsule reports the panic.
var (
	handle     func(params []string) (string, error)
	handleHttp func(body string, headers map[string]string) (string, map[string]string, error)
)

// SetHandle registers the function that Capsule calls in cli mode with the command-line arguments.
// Without arguments the handler receives one empty string.
func SetHandle(function func(params []string) (string, error)) {
	handle = function
}

// SetHandleHttp registers the function that Capsule calls in http mode with the body and the
// headers of each request. Header names are in Go's canonical form ("Content-Type"). An error
// becomes a response with status 500.
func SetHandleHttp(function func(body string, headers map[string]string) (string, map[string]string, error)) {
	handleHttp = function
}

// callHandle calls the cli handler. Its input is the command-line arguments, joined by °.
//
//export callHandle
func callHandle(pointer *byte, length uint32) uint64 {
	result, err := handle(splitParams(stringAt(pointer, length)))
	if err != nil {
		return answerWith([]byte(failure(err)))
	}
	return answerWith([]byte(result))
}

// callHandleHttp calls the http handler. The headers are Name:Value items joined by |. The body and
// the headers may share a block of memory.
//
//export callHandleHttp
func callHandleHttp(bodyPointer *byte, bodyLength uint32, headersPointer *byte, headersLength uint32) uint64 {
	body := stringAt(bodyPointer, bodyLength)
	headers := splitHeaders(stringAt(headersPointer, headersLength))
	answer, answerHeaders, err := handleHttp(body, headers)
	if err != nil {
		return answerWith(httpResult("", failure(err), answerHeaders))
	}
	return answerWith(httpResult("[BODY]", answer, answerHeaders))
}
