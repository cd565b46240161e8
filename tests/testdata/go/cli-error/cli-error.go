// Command cli-error is a guest whose cli handler returns an error with its first parameter as the
// message.
package main

import (
	"errors"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

func main() {
	hf.SetHandle(func(params []string) (string, error) {
		return "", errors.New(params[0])
	})
}
