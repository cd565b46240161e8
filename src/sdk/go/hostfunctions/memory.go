package hostfunctions

import "unsafe"

// TinyGo's garbage collector does not see the host's pointers. Each of these variables keeps a
// block reachable until the next block of its kind replaces it.
var (
	buffer []byte // the block that allocateBuffer returned last
	answer []byte // the result that a handler returned last
)

// result holds the two cells that the host sets before a host function returns. One pair suffices:
// a module has one thread, and the only function that a host function calls back is allocateBuffer.
var result struct {
	pointer *byte
	length  uint32
}

// allocateBuffer allocates a block that the host writes to.
//
//export allocateBuffer
func allocateBuffer(size uint32) *byte {
	if size == 0 {
		return nil
	}
	buffer = make([]byte, size)
	return &buffer[0]
}

// answerWith packs a handler's result for the host: the pointer in the upper 32 bits, the length in
// the lower 32 bits.
//
//	"ok" at 0x00012340 = 0x00012340_00000002
func answerWith(text []byte) uint64 {
	answer = text
	if len(text) == 0 {
		return 0
	}
	return uint64(uintptr(unsafe.Pointer(&text[0])))<<32 | uint64(len(text))
}

// stringAt returns the text that the host wrote, without a copy: the host does not write to that
// block again, and the garbage collector keeps the block while the program refers to it.
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

// receivedOrError returns the result of the last host function, or the error that it encodes.
func receivedOrError() (string, error) {
	return parseResult(received())
}

// bytesOf returns the pointer and the length of a text. The pointer of an empty string may be nil:
// the host does not read it.
func bytesOf(text string) (*byte, uint32) {
	return unsafe.StringData(text), uint32(len(text))
}
