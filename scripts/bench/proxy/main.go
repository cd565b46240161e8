// Command proxy is the baseline of the reverse proxy's benchmark: `proxy PORT` is an upstream,
// `proxy PORT URL` is net/http/httputil.ReverseProxy for that upstream, with GOMAXPROCS=1.
package main

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"runtime"
)

func main() {
	var handler http.Handler
	if len(os.Args) == 2 {
		small, large := []byte("hello"), make([]byte, 1<<20)
		handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body := small
			if r.URL.Path == "/large" {
				body = large
			}
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			w.Write(body)
		})
	} else {
		runtime.GOMAXPROCS(1)
		to, err := url.Parse(os.Args[2])
		if err != nil {
			panic(err)
		}
		http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = 512
		http.DefaultTransport.(*http.Transport).MaxIdleConns = 512
		handler = &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.SetXForwarded()
		}}
	}
	panic(http.ListenAndServe("127.0.0.1:"+os.Args[1], handler))
}
