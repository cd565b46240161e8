// Command get-env is a guest whose cli handler returns the environment variable named by its
// parameter, or the error of the host function.
package main

import (
	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

func main() {
	hf.SetHandle(func(params []string) (string, error) {
		return hf.GetEnv(params[0])
	})
}
