// Guest ping: a cli handler that pings twice with its first parameter, and answers what the host tells about itself.
package main

import hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"

func main() {
	hf.SetHandle(func(params []string) (string, error) {
		return hf.Ping(params[0]) + "\n" + hf.Ping(params[0]) + "\n" + hf.GetHostInformation(), nil
	})
}
