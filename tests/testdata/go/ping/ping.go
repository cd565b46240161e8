// Command ping is a guest whose cli handler calls Ping twice with its first parameter, and returns
// both results and the host information.
package main

import hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"

func main() {
	hf.SetHandle(func(params []string) (string, error) {
		return hf.Ping(params[0]) + "\n" + hf.Ping(params[0]) + "\n" + hf.GetHostInformation(), nil
	})
}
