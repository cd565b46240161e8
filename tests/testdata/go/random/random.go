// Command random is a guest whose http handler returns a number from math/rand and one from
// crypto/rand, one per line.
package main

import (
	crypto "crypto/rand"
	"encoding/hex"
	"math/rand"
	"strconv"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

func main() {
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		var bytes [8]byte
		if _, err := crypto.Read(bytes[:]); err != nil {
			return "", nil, err
		}
		return strconv.FormatInt(rand.Int63(), 16) + "\n" + hex.EncodeToString(bytes[:]), nil, nil
	})
}
