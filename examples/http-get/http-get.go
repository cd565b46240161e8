package main

import hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"

// main is required.
func main() {
	hf.SetHandle(Handle)
}

// Handle requests the URL of the first parameter. Default: httpbin.org.
func Handle(params []string) (string, error) {
	url := "https://httpbin.org/get"
	if params[0] != "" {
		url = params[0]
	}
	headers := map[string]string{"Accept": "application/json", "Content-Type": "text/html; charset=UTF-8"}

	ret, err := hf.Http(url, "GET", headers, "")
	if err != nil {
		hf.Log("😡 error:" + err.Error())
	} else {
		hf.Log("📝result: " + ret)
	}
	return ret, err
}
