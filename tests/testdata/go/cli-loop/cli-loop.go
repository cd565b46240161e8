// Command cli-loop is a guest whose cli handler never returns.
package main

import (
	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

var steps int

func main() {
	hf.SetHandle(func(params []string) (string, error) {
		for {
			steps++
		}
	})
}
