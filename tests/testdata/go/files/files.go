// Command files is a guest whose cli handler runs "read <path>" or "write <path> <content>" and
// returns the result of the host function.
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
