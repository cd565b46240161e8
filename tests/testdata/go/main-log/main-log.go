// Command main-log is a guest that logs in main before it registers its two handlers.
package main

import hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"

func main() {
	hf.Log("main runs")
	hf.SetHandle(func(params []string) (string, error) {
		return "cli: " + params[0], nil
	})
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		return "http: " + body, nil, nil
	})
}
