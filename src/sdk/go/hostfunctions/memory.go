package hostfunctions

import "unsafe"

// TinyGo's collector frees what no Go variable points to, and it does not see the pointers that the host holds. So each
// block that crosses the border is held by one of these variables until the next one of its kind replaces it.
var (
	buffer []byte // the last block that the host asked for
	answer []byte // the last result of a handler
)

// The two cells that the host fills when a host function returns text. A module is one thread and the host calls back
// only allocateBuffer, so one pair serves all calls and none of them allocates.
var result struct {
	pointer *byte
	length  uint32
}

// allocateBuffer gives the host memory to write into.
//
//export allocateBuffer
func allocateBuffer(size uint32) *byte {
	if size == 0 {
		return nil
	}
	buffer = make([]byte, size)
	return &buffer[0]
}

// answerWith packs where a result lies as the host reads it: the pointer in the upper half, the length in the lower.
//
//	"ok" at 0x00012340 = 0x00012340_00000002
func answerWith(text []byte) uint64 {
	answer = text
	if len(text) == 0 {
		return 0
	}
	return uint64(uintptr(unsafe.Pointer(&text[0])))<<32 | uint64(len(text))
}

// stringAt is the text that the host wrote, where it lies. Nothing is copied: the host never writes there again, and the
// collector keeps the block for as long as the program holds a piece of it.
func stringAt(pointer *byte, length uint32) string {
	if length == 0 {
		return ""
	}
	return unsafe.String(pointer, length)
}

// received is the text that a host function just answered.
func received() string {
	text := stringAt(result.pointer, result.length)
	result.pointer, result.length = nil, 0
	return text
}

// receivedOrError is received, where an answer may be an error instead.
func receivedOrError() (string, error) {
	return parseResult(received())
}

// bytesOf is where a text lies, as a host function takes it. The empty string lies nowhere, and that is fine: the host
// reads no byte of it.
func bytesOf(text string) (*byte, uint32) {
	return unsafe.StringData(text), uint32(len(text))
}
