// Command map is a guest whose http handler adds an entry to a global map and returns the size of
// the map.
package main

import (
	"strconv"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

var seen = map[string]string{}

func main() {
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		seen["call "+strconv.Itoa(len(seen))] = body
		return strconv.Itoa(len(seen)), nil, nil
	})
}
