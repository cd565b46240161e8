// Command headers-out is a guest whose http handler returns the headers that the body lists, one
// per line as "Name: value".
package main

import (
	"strings"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

func main() {
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		answered := map[string]string{}
		for _, line := range strings.Split(body, "\n") {
			if name, value, found := strings.Cut(line, ": "); found {
				answered[name] = value
			}
		}
		return "ok", answered, nil
	})
}
