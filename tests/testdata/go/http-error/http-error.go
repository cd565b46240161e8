// Command http-error is a guest whose http handler returns an error with the body as its message.
// The content type is JSON if the body starts with {, and plain text otherwise.
package main

import (
	"errors"
	"strings"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

func main() {
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		answered := map[string]string{"Content-Type": "text/plain; charset=utf-8", "Kept": "yes"}
		if strings.HasPrefix(body, "{") {
			answered["Content-Type"] = "application/json"
		}
		return "", answered, errors.New(body)
	})
}
