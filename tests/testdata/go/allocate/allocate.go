// Command allocate is a guest whose http handler allocates the number of bytes in the request body,
// writes to the block and returns its size.
package main

import (
	"strconv"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

var block []byte

func main() {
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		size, err := strconv.Atoi(body)
		if err != nil {
			return "", nil, err
		}
		block = make([]byte, size)
		for i := 0; i < size; i += 1024 {
			block[i] = 1
		}
		return strconv.Itoa(len(block)), nil, nil
	})
}
