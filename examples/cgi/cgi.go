package main

import (
	"io"
	"os"
)

// main handles one request: in http mode Capsule runs this plain WASI program once per request, as
// a CGI script (RFC 3875).
func main() {
	if os.Getenv("PATH_INFO") == "/old" {
		write("Location: /new\n\n")
		return
	}
	body, _ := io.ReadAll(os.Stdin)
	write("Content-Type: text/plain; charset=utf-8\n\n")
	write("👋 " + os.Getenv("REQUEST_METHOD") + " " + os.Getenv("PATH_INFO") + "\n")
	if query := os.Getenv("QUERY_STRING"); query != "" {
		write("🔎 " + query + "\n")
	}
	if len(body) > 0 {
		write("📝 you sent: " + string(body) + "\n")
	}
	os.Stderr.WriteString("answered " + os.Getenv("REMOTE_ADDR") + "\n")
}

func write(text string) {
	os.Stdout.WriteString(text)
}
