// Guest map: an http handler whose map in a global grows with each call; it answers the map's size.
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
