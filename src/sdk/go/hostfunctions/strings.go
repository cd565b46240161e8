package hostfunctions

import (
	"errors"
	"strings"
)

const (
	paramSeparator  = "°" // U+00B0, two bytes
	headerSeparator = "|"
)

// splitParams splits joined command-line arguments: "a°b" is ["a" "b"], "" is [""].
func splitParams(joined string) []string {
	return strings.Split(joined, paramSeparator)
}

// splitHeaders parses "Host:localhost:8080|Accept:*/*". A name ends at the first colon, since a
// value may contain colons. An item without a colon is ignored.
func splitHeaders(joined string) map[string]string {
	headers := make(map[string]string)
	for joined != "" {
		item, rest, _ := strings.Cut(joined, headerSeparator)
		if name, value, found := strings.Cut(item, ":"); found {
			headers[name] = value
		}
		joined = rest
	}
	return headers
}

// appendHeaders appends headers in the format that splitHeaders parses. A | in a value becomes %7C,
// since | separates headers.
func appendHeaders(text []byte, headers map[string]string) []byte {
	first := true
	for name, value := range headers {
		if !first {
			text = append(text, headerSeparator...)
		}
		first = false
		text = append(text, name...)
		text = append(text, ':')
		for {
			before, after, found := strings.Cut(value, headerSeparator)
			text = append(text, before...)
			if !found {
				break
			}
			text = append(text, "%7C"...)
			value = after
		}
	}
	return text
}

// headersSize returns an upper bound of the number of bytes that appendHeaders appends if no value
// contains a |.
func headersSize(headers map[string]string) int {
	size := 0
	for name, value := range headers {
		size += len(name) + len(value) + 2
	}
	return size
}

// httpResult encodes the result of the http handler:
//
//	[BODY]hello[HEADERS]Content-Type:text/plain|Message:hi
func httpResult(mark, body string, headers map[string]string) []byte {
	const headersMark = "[HEADERS]"
	text := make([]byte, 0, len(mark)+len(body)+len(headersMark)+headersSize(headers))
	text = append(text, mark...)
	text = append(text, body...)
	text = append(text, headersMark...)
	return appendHeaders(text, headers)
}

// failure encodes an error for the host. The code 0 means that the error has no code.
func failure(err error) string {
	return "[ERR][0]:" + err.Error()
}

// parseResult returns the text of a result, or the error that it encodes as
// [ERR][<code>]:<message>. A code other than 0 is appended to the message.
func parseResult(text string) (string, error) {
	rest, found := strings.CutPrefix(text, "[ERR][")
	if !found {
		return text, nil
	}
	code, message, found := strings.Cut(rest, "]:")
	if !found {
		return text, nil
	}
	if code != "0" {
		message += " (" + code + ")"
	}
	return "", errors.New(message)
}
