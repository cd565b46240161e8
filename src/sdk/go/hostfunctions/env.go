package hostfunctions

//export hostGetEnv
func hostGetEnv(name *byte, nameLength uint32, resultPointer **byte, resultLength *uint32)

// GetEnv reads an environment variable of Capsule's. One that is unset, empty or not allowed to this module is an error.
func GetEnv(name string) (string, error) {
	namePointer, nameLength := bytesOf(name)
	hostGetEnv(namePointer, nameLength, &result.pointer, &result.length)
	return receivedOrError()
}
