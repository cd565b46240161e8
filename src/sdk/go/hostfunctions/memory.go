package hostfunctions

import "unsafe"

// TinyGo's garbage collector does not see the host's pointers, so these variables keep a block alive until the next one
// of its kind replaces it.
var (
	buffer []byte // the last block of allocateBuffer
	answer []byte // the last result of a handler
)

// result has the two cells that the host sets when a host function returns. A module has one thread and the host calls
// back only allocateBuffer, so one pair suffices.
var result struct {
	pointer *byte
	length  uint32
}

// allocateBuffer allocates memory for the host to write to.
//
//export allocateBuffer
func allocateBuffer(size uint32) *byte {
	if size == 0 {
		return nil
	}
	buffer = make([]byte, size)
	return &buffer[0]
}

// answerWith packs a result for the host: the pointer in the upper half, the length in the lower.
//
//	"ok" at 0x00012340 = 0x00012340_00000002
func answerWith(text []byte) uint64 {
	answer = text
	if len(text) == 0 {
		return 0
	}
	return uint64(uintptr(unsafe.Pointer(&text[0])))<<32 | uint64(len(text))
}

// stringAt returns the text that the host wrote, without a copy: the host never writes there again, and the collector
// keeps the block while the program refers to it.
func stringAt(pointer *byte, length uint32) string {
	if length == 0 {
		return ""
	}
	return unsafe.String(pointer, length)
}

// received returns the result of the last host function.
func received() string {
	text := stringAt(result.pointer, result.length)
	result.pointer, result.length = nil, 0
	return text
}

// receivedOrError returns the result of the last host function, or its error.
func receivedOrError() (string, error) {
	return parseResult(received())
}

// bytesOf returns the pointer and the length of a text. The pointer of an empty string may be nil: the host reads nothing.
func bytesOf(text string) (*byte, uint32) {
	return unsafe.StringData(text), uint32(len(text))
}
