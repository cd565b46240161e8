// Guest random: an http handler that answers a number of math/rand and one of crypto/rand, a line each.
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
