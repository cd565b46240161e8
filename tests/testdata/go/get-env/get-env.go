// Guest get-env: a cli handler that answers the variable that its parameter names, or the host's error.
package main

import (
	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

func main() {
	hf.SetHandle(func(params []string) (string, error) {
		return hf.GetEnv(params[0])
	})
}
