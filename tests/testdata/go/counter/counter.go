// Command counter is a guest whose http handler counts its calls in a global variable and returns
// the count.
package main

import (
	"strconv"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

var calls int

func main() {
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		calls++
		return strconv.Itoa(calls), nil, nil
	})
}
