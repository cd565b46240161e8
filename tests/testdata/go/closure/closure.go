// Command closure is a guest whose http handler counts its calls in a local variable of main, which
// only the closure references.
package main

import (
	"strconv"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

func main() {
	calls := 0
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		calls++
		return strconv.Itoa(calls), nil, nil
	})
}
