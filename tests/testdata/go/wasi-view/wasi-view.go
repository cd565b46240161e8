// Command wasi-view is a guest whose cli and http handlers return what WASI exposes: the
// environment variables, and the content of the file named by the input.
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
