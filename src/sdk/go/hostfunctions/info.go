package hostfunctions

//export hostGetHostInformation
func hostGetHostInformation(resultPointer **byte, resultLength *uint32)

//export hostPing
func hostPing(message *byte, messageLength uint32, resultPointer **byte, resultLength *uint32)

// GetHostInformation describes the launcher as JSON: {"httpPort":8080} in http mode.
func GetHostInformation() string {
	hostGetHostInformation(&result.pointer, &result.length)
	return received()
}

// Ping answers with the message and a number that grows with every call: whether host and module understand each other.
func Ping(message string) string {
	messagePointer, messageLength := bytesOf(message)
	hostPing(messagePointer, messageLength, &result.pointer, &result.length)
	return received()
}
