package hostfunctions

//export hostReadFile
func hostReadFile(path *byte, pathLength uint32, resultPointer **byte, resultLength *uint32)

//export hostWriteFile
func hostWriteFile(path *byte, pathLength uint32, content *byte, contentLength uint32, resultPointer **byte, resultLength *uint32)

// ReadFile reads a whole file. Capsule decides which files a module may see: those below its working directory, unless
// it was started with other grants.
func ReadFile(path string) (string, error) {
	pathPointer, pathLength := bytesOf(path)
	hostReadFile(pathPointer, pathLength, &result.pointer, &result.length)
	return receivedOrError()
}

// WriteFile makes a file, or replaces what it holds, and returns "file created".
func WriteFile(path, content string) (string, error) {
	pathPointer, pathLength := bytesOf(path)
	contentPointer, contentLength := bytesOf(content)
	hostWriteFile(pathPointer, pathLength, contentPointer, contentLength, &result.pointer, &result.length)
	return receivedOrError()
}
