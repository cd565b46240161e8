// Command stores is a guest whose http handler returns a value of the key-value store, or the rows
// of the query in the body.
package main

import hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"

func main() {
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		answer := map[string]string{"Content-Type": "text/plain; charset=utf-8"}
		if body != "" {
			rows, err := hf.CouchBaseQuery(body)
			return rows, answer, err
		}
		value, err := hf.RedisGet("greetings")
		return value, answer, err
	})
}
