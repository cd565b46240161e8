// Command echo is a guest whose http handler returns the request body unchanged, and each request
// header X as the response header Echo-X.
package main

import hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"

func main() {
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		answered := map[string]string{"Content-Type": "application/octet-stream"}
		for name, value := range headers {
			answered["Echo-"+name] = value
		}
		return body, answered, nil
	})
}
