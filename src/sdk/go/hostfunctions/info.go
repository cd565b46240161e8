package hostfunctions

//export hostGetHostInformation
func hostGetHostInformation(resultPointer **byte, resultLength *uint32)

//export hostPing
func hostPing(message *byte, messageLength uint32, resultPointer **byte, resultLength *uint32)

// GetHostInformation returns a description of the launcher as JSON. In http mode it is
// {"httpPort":8080}.
func GetHostInformation() string {
	hostGetHostInformation(&result.pointer, &result.length)
	return received()
}

// Ping returns the message and a counter that increases with each call. It tests the connection to
// the host.
func Ping(message string) string {
	messagePointer, messageLength := bytesOf(message)
	hostPing(messagePointer, messageLength, &result.pointer, &result.length)
	return received()
}
