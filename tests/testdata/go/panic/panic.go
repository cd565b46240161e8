// Guest panic: an http handler that counts its calls, and panics half-way when the body begins with "panic".
package main

import (
	"strconv"
	"strings"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

var (
	calls    int
	finished int
)

func main() {
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		calls++
		if strings.HasPrefix(body, "panic") {
			panic("boom: " + body)
		}
		finished++
		return strconv.Itoa(calls) + " calls, " + strconv.Itoa(finished) + " finished", nil, nil
	})
}
