// Command go-files uses files in /data, then tries to leave that directory. It panics on errors.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	must(os.MkdirAll("/data/sub/deep", 0o777))
	must(os.WriteFile("/data/sub/👋.txt", []byte("hello"), 0o644))
	file, err := os.OpenFile("/data/sub/👋.txt", os.O_RDWR|os.O_APPEND, 0)
	must(err)
	_, err = file.WriteString(" world")
	must(err)
	must(file.Close())
	text, err := os.ReadFile("/data/sub/👋.txt")
	must(err)
	fmt.Println(string(text), len(os.Args), os.Getenv("NAME"))
	must(os.Rename("/data/sub/👋.txt", "/data/sub/deep/moved"))
	entries, err := os.ReadDir("/data/sub/deep")
	must(err)
	for _, entry := range entries {
		fmt.Println(entry.Name(), entry.IsDir())
	}
	status, err := os.Stat("/data/sub/deep/moved")
	must(err)
	fmt.Println(status.Size(), status.Mode().IsRegular())
	_, err = os.Stat("/data/no")
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	for _, path := range []string{"/data/../outside/decoy", "/data/out/decoy", "/outside/decoy", "../outside/decoy"} {
		_, err = os.ReadFile(path)
		fmt.Println(err != nil)
	}
	began := time.Now()
	time.Sleep(2 * time.Millisecond)
	fmt.Println(time.Since(began) >= 2*time.Millisecond)
	must(os.Remove("/data/sub/deep/moved"))
	os.Exit(9)
}
