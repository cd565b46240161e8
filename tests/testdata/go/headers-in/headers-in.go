// Guest headers-in: an http handler that answers the headers it got, sorted, a line "Name: value" each.
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
