// Command cli-panic is a guest whose cli handler panics with "boom: " and its first parameter.
package main

import hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"

func main() {
	hf.SetHandle(func(params []string) (string, error) {
		panic("boom: " + params[0])
	})
}
