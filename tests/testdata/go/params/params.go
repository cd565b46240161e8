// Command params is a guest whose cli handler returns its parameters in quotation marks, one per
// line.
package main

import (
	"strconv"
	"strings"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

func main() {
	hf.SetHandle(func(params []string) (string, error) {
		var quoted []string
		for _, param := range params {
			quoted = append(quoted, strconv.Quote(param))
		}
		return strings.Join(quoted, "\n"), nil
	})
}
