// Command redis-commands is a guest whose cli handler runs "set k v", "get k", "del k",
// "keys pattern", "incr k" or "expire k seconds".
package main

import (
	"errors"
	"strconv"
	"strings"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

func main() {
	hf.SetHandle(func(params []string) (string, error) {
		switch {
		case len(params) == 3 && params[0] == "set":
			return hf.RedisSet(params[1], params[2])
		case len(params) == 2 && params[0] == "get":
			return hf.RedisGet(params[1])
		case len(params) == 2 && params[0] == "del":
			return hf.RedisDel(params[1])
		case len(params) == 2 && params[0] == "keys":
			keys, err := hf.RedisKeys(params[1])
			return strings.Join(keys, "\n"), err
		case len(params) == 2 && params[0] == "incr":
			number, err := hf.RedisIncr(params[1])
			return strconv.FormatInt(number, 10), err
		case len(params) == 3 && params[0] == "expire":
			seconds, err := strconv.Atoi(params[2])
			if err != nil {
				return "", err
			}
			existed, err := hf.RedisExpire(params[1], seconds)
			return strconv.FormatBool(existed), err
		}
		return "", errors.New("no such command: " + strings.Join(params, " "))
	})
}
