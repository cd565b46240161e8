package main

import hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"

// main registers the handler before Capsule calls it.
func main() {
	hf.SetHandle(Handle)
}

func Handle(params []string) (string, error) {
	res, err := hf.RedisSet("greetings", "Hello World")
	if err != nil {
		hf.Log(err.Error())
	} else {
		hf.Log("Value: " + res)
	}

	res, err = hf.RedisGet("greetings")
	if err != nil {
		hf.Log(err.Error())
	} else {
		hf.Log("Value: " + res)
	}
	return res, err
}
