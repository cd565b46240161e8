// Guest files: a cli handler for "read <path>" and "write <path> <content>"; it answers the host's result.
package main

import (
	"errors"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

func main() {
	hf.SetHandle(func(params []string) (string, error) {
		switch {
		case len(params) == 2 && params[0] == "read":
			return hf.ReadFile(params[1])
		case len(params) == 3 && params[0] == "write":
			return hf.WriteFile(params[1], params[2])
		}
		return "", errors.New("want read <path> or write <path> <content>")
	})
}
