// Command panic is a guest whose http handler counts its calls, and panics before it returns if the
// body starts with "panic".
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
