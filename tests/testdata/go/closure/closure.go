// Guest closure: an http handler that counts its calls in a variable of main, which only its closure holds.
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
