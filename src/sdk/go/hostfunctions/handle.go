// Package hostfunctions connects a Go program with Capsule, the launcher that runs it as a WebAssembly module.
//
// A program registers a handler in main, with SetHandle for the command line or with SetHandleHttp for HTTP, and calls
// the other functions of this package from it. Build it with TinyGo 0.27 or later:
//
//	tinygo build -o hello.wasm -scheduler=none --no-debug -target wasi ./hello.go
package hostfunctions

// The handlers that main registers. Capsule calls the one of its mode. A missing one is nil: the call panics, and Capsule
// reports it.
var (
	handle     func(params []string) (string, error)
	handleHttp func(body string, headers map[string]string) (string, map[string]string, error)
)

// SetHandle registers the function that Capsule calls in cli mode with the arguments of the command line. Without
// arguments the handler receives one empty string.
func SetHandle(function func(params []string) (string, error)) {
	handle = function
}

// SetHandleHttp registers the function that Capsule calls for each HTTP request with its body and headers. Header names
// are in Go's canonical form ("Content-Type"). An error becomes status 500.
func SetHandleHttp(function func(body string, headers map[string]string) (string, map[string]string, error)) {
	handleHttp = function
}

// callHandle is called in cli mode with the arguments, joined by °.
//
//export callHandle
func callHandle(pointer *byte, length uint32) uint64 {
	result, err := handle(splitParams(stringAt(pointer, length)))
	if err != nil {
		return answerWith([]byte(failure(err)))
	}
	return answerWith([]byte(result))
}

// callHandleHttp is called in http mode. Body and headers may share a block of memory; the headers are Name:Value items
// joined by |.
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
