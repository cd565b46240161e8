package hostfunctions

import (
	"errors"
	"strings"
)

const (
	paramSeparator  = "°" // U+00B0, two bytes
	headerSeparator = "|"
)

// splitParams takes the arguments of a command line apart: "a°b" is ["a" "b"], "" is [""].
func splitParams(joined string) []string {
	return strings.Split(joined, paramSeparator)
}

// splitHeaders reads "Host:localhost:8080|Accept:*/*". A value may hold colons, so only the first one counts; an item
// without any is no header and is left out.
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

// appendHeaders writes what splitHeaders reads. A | inside a value is written %7C, because bare it would begin
// another header.
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

// headersSize is room for appendHeaders when no value holds a |.
func headersSize(headers map[string]string) int {
	size := 0
	for name, value := range headers {
		size += len(name) + len(value) + 2
	}
	return size
}

// httpResult is what an http handler answers with:
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

// failure is how an error crosses the border. 0 stands for an error without a code.
func failure(err error) string {
	return "[ERR][0]:" + err.Error()
}

// parseResult tells an error from a text. An error is [ERR][<code>]:<message>; the user sees its code unless it is 0.
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
