// Command headers-in is a guest whose http handler returns the request headers, sorted, one per
// line as "Name: value".
package main

import (
	"sort"
	"strings"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

func main() {
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		var lines []string
		for name, value := range headers {
			lines = append(lines, name+": "+value)
		}
		sort.Strings(lines)
		return strings.Join(lines, "\n"), nil, nil
	})
}
