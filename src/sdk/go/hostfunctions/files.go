package hostfunctions

//export hostReadFile
func hostReadFile(path *byte, pathLength uint32, resultPointer **byte, resultLength *uint32)

//export hostWriteFile
func hostWriteFile(path *byte, pathLength uint32, content *byte, contentLength uint32, resultPointer **byte, resultLength *uint32)

// ReadFile returns the content of a file. The launcher's grants determine which files a module can
// open. By default, it can open the files in the launcher's working directory.
func ReadFile(path string) (string, error) {
	pathPointer, pathLength := bytesOf(path)
	hostReadFile(pathPointer, pathLength, &result.pointer, &result.length)
	return receivedOrError()
}

// WriteFile creates or replaces a file and returns "file created".
func WriteFile(path, content string) (string, error) {
	pathPointer, pathLength := bytesOf(path)
	contentPointer, contentLength := bytesOf(content)
	hostWriteFile(pathPointer, pathLength, contentPointer, contentLength, &result.pointer, &result.length)
	return receivedOrError()
}
