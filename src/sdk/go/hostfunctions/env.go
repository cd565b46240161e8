package hostfunctions

//export hostGetEnv
func hostGetEnv(name *byte, nameLength uint32, resultPointer **byte, resultLength *uint32)

// GetEnv returns the value of an environment variable of the launcher. It returns an error if the
// variable is unset, empty or not allowed.
func GetEnv(name string) (string, error) {
	namePointer, nameLength := bytesOf(name)
	hostGetEnv(namePointer, nameLength, &result.pointer, &result.length)
	return receivedOrError()
}
