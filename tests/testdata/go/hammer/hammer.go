// Guest hammer: an http handler that keeps its body in a global while it panics, never returns or computes, as the body's first
// word says, and answers with what is kept and with how many calls it has seen.
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
