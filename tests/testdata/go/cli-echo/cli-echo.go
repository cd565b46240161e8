// Command cli-echo is a guest whose cli handler returns its first parameter unchanged, even if it
// is empty.
package main

import hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"

func main() {
	hf.SetHandle(func(params []string) (string, error) {
		return params[0], nil
	})
}
