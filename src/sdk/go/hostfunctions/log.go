package hostfunctions

//export hostLogString
func hostLogString(message *byte, length uint32)

// Log writes a message and a newline to the launcher's standard output.
func Log(message string) {
	hostLogString(bytesOf(message))
}
