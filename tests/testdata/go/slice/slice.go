// Guest slice: an http handler whose slice in a global grows by 100,000 bytes, more than a page, with each call.
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
