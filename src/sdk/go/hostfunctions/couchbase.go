package hostfunctions

//export hostCouchBaseQuery
func hostCouchBaseQuery(query *byte, queryLength uint32, resultPointer **byte, resultLength *uint32)

// CouchBaseQuery runs a N1QL query and returns its rows as a JSON array.
func CouchBaseQuery(query string) (string, error) {
	queryPointer, queryLength := bytesOf(query)
	hostCouchBaseQuery(queryPointer, queryLength, &result.pointer, &result.length)
	return receivedOrError()
}
