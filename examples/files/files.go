package main

import hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"

// main registers the handler before Capsule calls it.
func main() {
	hf.SetHandle(Handle)
}

func Handle(params []string) (string, error) {
	txt, err := hf.ReadFile("about.txt")
	if err != nil {
		hf.Log(err.Error())
	}
	hf.Log(txt)

	newFile, err := hf.WriteFile("hello.txt", "👋 HELLO WORLD 🌍")
	if err != nil {
		hf.Log(err.Error())
	}
	hf.Log(newFile)

	return newFile, err
}
