// Command proxy is what the bench of the reverse proxy is held against: an upstream, and Go's own reverse proxy on one thread.
package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"runtime"
)

func main() {
	var handler http.Handler
	if len(os.Args) == 1 {
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
		to, err := url.Parse(os.Args[1])
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
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listener, handler))
}
