package main

import hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"

// main registers the handler before Capsule calls it.
func main() {
	hf.SetHandle(Handle)
}

func Handle(params []string) (string, error) {
	message, err := hf.GetEnv("MESSAGE")
	if err != nil {
		hf.Log(err.Error())
	} else {
		hf.Log("MESSAGE=" + message)
	}
	return message, err
}
