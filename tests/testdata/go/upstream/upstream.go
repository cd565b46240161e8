// Command upstream is a guest whose http handler sends a request to UPSTREAM_URL and returns the
// response body. The headers Upstream-Url and Upstream-Method override the URL and the method GET.
// Each header Forward-X is sent as X, and the body is sent unchanged.
package main

import (
	"strings"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

func main() {
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		url, method := headers["Upstream-Url"], headers["Upstream-Method"]
		if url == "" {
			var err error
			if url, err = hf.GetEnv("UPSTREAM_URL"); err != nil {
				return "", nil, err
			}
		}
		if method == "" {
			method = "GET"
		}
		forwarded := map[string]string{}
		for name, value := range headers {
			if strings.HasPrefix(name, "Forward-") {
				forwarded[strings.TrimPrefix(name, "Forward-")] = value
			}
		}
		answer, err := hf.Http(url, method, forwarded, body)
		return answer, nil, err
	})
}
