package main

import (
	"strings"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

func main() {
	hf.SetHandle(HandleCall)
	hf.SetHandleHttp(HandleRequest)
}

// HandleCall returns a greeting with the command-line arguments.
func HandleCall(params []string) (string, error) {
	who := strings.Join(params, " ")
	if who == "" {
		who = "World"
	}
	return "👋 Hello " + who + " 🌍", nil
}

// HandleRequest returns a greeting and the request body.
func HandleRequest(body string, headers map[string]string) (string, map[string]string, error) {
	answer := "👋 Hello World 🌍\n"
	if body != "" {
		answer += "📝 you sent: " + body + "\n"
	}
	return answer, map[string]string{"Content-Type": "text/plain; charset=utf-8"}, nil
}
