// Guest wasi-view: a cli and an http handler that answer what WASI shows: the environment, and the file that is named.
package main

import (
	"os"
	"strings"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

func main() {
	hf.SetHandle(func(params []string) (string, error) {
		return view(params[0]), nil
	})
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		return view(body), nil, nil
	})
}

func view(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		text = []byte("refused")
	}
	return strings.Join(os.Environ(), ",") + "\n" + string(text)
}
