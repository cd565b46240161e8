// Guest http-error: an http handler that fails with the body as its message, and JSON headers when the body begins with {.
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
