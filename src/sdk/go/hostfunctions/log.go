package hostfunctions

//export hostLogString
func hostLogString(message *byte, length uint32)

// Log prints a message and a newline on the launcher's standard output.
func Log(message string) {
	hostLogString(bytesOf(message))
}
