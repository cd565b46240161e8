// Guest upstream: an http handler that asks UPSTREAM_URL and answers what came back. The headers Upstream-Url and
// Upstream-Method override URL and GET; each header Forward-X is sent as X, and the body is sent as it came.
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
