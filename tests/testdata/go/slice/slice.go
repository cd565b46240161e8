// Command slice is a guest whose http handler appends 100,000 bytes, more than a page, to a global
// slice.
package main

import (
	"strconv"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

var kept []byte

func main() {
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		for i := 0; i < 100_000; i++ {
			kept = append(kept, 'x')
		}
		return strconv.Itoa(len(kept)), nil, nil
	})
}
