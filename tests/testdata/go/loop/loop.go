// Command loop is a guest whose http handler never returns if the body is "forever", and returns
// "done" otherwise.
package main

import hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"

var steps uint32

func main() {
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		for body == "forever" {
			steps++
		}
		return "done", nil, nil
	})
}
