// Guest cli-echo: a cli handler that answers its first parameter as it is, also when that is empty.
package main

import hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"

func main() {
	hf.SetHandle(func(params []string) (string, error) {
		return params[0], nil
	})
}
