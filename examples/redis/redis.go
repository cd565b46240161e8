package main

import hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"

// main is required.
func main() {
	hf.SetHandle(Handle)
}

func Handle(params []string) (string, error) {
	// Set a value.
	res, err := hf.RedisSet("greetings", "Hello World")
	if err != nil {
		hf.Log(err.Error())
	} else {
		hf.Log("Value: " + res)
	}

	// Get the value.
	res, err = hf.RedisGet("greetings")
	if err != nil {
		hf.Log(err.Error())
	} else {
		hf.Log("Value: " + res)
	}
	return res, err
}
