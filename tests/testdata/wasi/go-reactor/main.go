// Command go-reactor is a function in standard Go, built as a reactor with -buildmode=c-shared: it
// exports _initialize instead of _start, and no malloc.
package main

import (
	"strings"
	"unsafe"
)

//go:wasmimport env hostLogString
func hostLogString(pointer unsafe.Pointer, length uint32)

var calls = 0
var buffers [][]byte

//go:wasmexport allocateBuffer
func allocateBuffer(size uint32) unsafe.Pointer {
	buffer := make([]byte, size)
	buffers = append(buffers, buffer)
	return unsafe.Pointer(&buffer[0])
}

//go:wasmexport callHandle
func callHandle(pointer unsafe.Pointer, length uint32) uint64 {
	return result("cli: " + text(pointer, length))
}

//go:wasmexport callHandleHttp
func callHandleHttp(body unsafe.Pointer, bodyLength uint32, _ unsafe.Pointer, _ uint32) uint64 {
	calls++
	message := "👋 " + text(body, bodyLength)
	hostLogString(unsafe.Pointer(unsafe.StringData(message)), uint32(len(message)))
	return result("[BODY]" + strings.Repeat("I", calls) + " " + message + "[HEADERS]")
}

func text(pointer unsafe.Pointer, length uint32) string {
	if length == 0 {
		return ""
	}
	return unsafe.String((*byte)(pointer), length)
}

func result(text string) uint64 {
	kept := []byte(text)
	buffers = append(buffers, kept)
	return uint64(uintptr(unsafe.Pointer(&kept[0])))<<32 | uint64(len(kept))
}

func main() {}
