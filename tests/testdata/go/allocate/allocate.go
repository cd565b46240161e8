// Guest allocate: an http handler that allocates as many bytes as the body says, touches them and answers how many.
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
