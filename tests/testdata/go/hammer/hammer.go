// Command hammer is a guest whose http handler stores the body in a global variable and then
// panics, loops forever or computes, depending on the first word of the body. It returns the stored
// body and the number of calls.
package main

import (
	"strconv"
	"strings"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

var (
	calls int
	owner string
	steps uint32
)

func main() {
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		calls++
		owner = body
		word, _, _ := strings.Cut(body, " ")
		limit := map[string]int{"short": 1_000, "long": 2_000_000}[word]
		for i := 0; i < limit || word == "forever"; i++ {
			steps = steps*31 + uint32(i)
		}
		if word == "panic" {
			panic("boom: " + owner)
		}
		return owner + ": " + strconv.Itoa(calls) + " call", nil, nil
	})
}
