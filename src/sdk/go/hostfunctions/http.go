package hostfunctions

import "unsafe"

//export hostHttp
func hostHttp(
	url *byte, urlLength uint32, method *byte, methodLength uint32,
	headers *byte, headersLength uint32, body *byte, bodyLength uint32,
	resultPointer **byte, resultLength *uint32,
)

// Http sends a request and returns the response body, for every status code. It returns an error if
// the request is not allowed or receives no response.
func Http(url, method string, headers map[string]string, body string) (string, error) {
	joined := appendHeaders(make([]byte, 0, headersSize(headers)), headers)
	urlPointer, urlLength := bytesOf(url)
	methodPointer, methodLength := bytesOf(method)
	bodyPointer, bodyLength := bytesOf(body)
	hostHttp(
		urlPointer, urlLength, methodPointer, methodLength,
		unsafe.SliceData(joined), uint32(len(joined)), bodyPointer, bodyLength,
		&result.pointer, &result.length,
	)
	return receivedOrError()
}
