package main

import hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"

// main registers the handler before Capsule calls it.
func main() {
	hf.SetHandle(Handle)
}

// Handle sends a POST request to the URL in the first parameter and returns the response body. The
// default is httpbin.org.
func Handle(params []string) (string, error) {
	url := "https://httpbin.org/post"
	if params[0] != "" {
		url = params[0]
	}
	headers := map[string]string{"Accept": "application/json", "Content-Type": "text/html; charset=UTF-8"}

	ret, err := hf.Http(url, "POST", headers, "👋 hello world 🌍")
	if err != nil {
		hf.Log("😡 error:" + err.Error())
	} else {
		hf.Log("📝result: " + ret)
	}
	return ret, err
}
