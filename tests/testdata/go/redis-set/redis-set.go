// Command redis-set is a guest whose http handler stores the body under the key in the header Key.
package main

import hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"

func main() {
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		_, err := hf.RedisSet(headers["Key"], body)
		return "", nil, err
	})
}
