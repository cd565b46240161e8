package hostfunctions

import (
	"errors"
	"strconv"
)

//export hostRedisSet
func hostRedisSet(key *byte, keyLength uint32, value *byte, valueLength uint32, resultPointer **byte, resultLength *uint32)

//export hostRedisGet
func hostRedisGet(key *byte, keyLength uint32, resultPointer **byte, resultLength *uint32)

// The functions below are imported from the module "capsule". Launchers of version 0.1 do not have
// them, so a program that does not use them must not import them.

//go:wasm-module capsule
//export redisDel
func redisDel(key *byte, keyLength uint32, resultPointer **byte, resultLength *uint32)

//go:wasm-module capsule
//export redisKeys
func redisKeys(pattern *byte, patternLength uint32, resultPointer **byte, resultLength *uint32)

//go:wasm-module capsule
//export redisIncr
func redisIncr(key *byte, keyLength uint32, resultPointer **byte, resultLength *uint32)

//go:wasm-module capsule
//export redisExpire
func redisExpire(key *byte, keyLength uint32, seconds *byte, secondsLength uint32, resultPointer **byte, resultLength *uint32)

// RedisSet sets the value of a key and returns "[OK](key:value)".
func RedisSet(key, value string) (string, error) {
	keyPointer, keyLength := bytesOf(key)
	valuePointer, valueLength := bytesOf(value)
	hostRedisSet(keyPointer, keyLength, valuePointer, valueLength, &result.pointer, &result.length)
	return receivedOrError()
}

// RedisGet returns the value of a key. If the key does not exist it returns the error "redis: nil".
func RedisGet(key string) (string, error) {
	keyPointer, keyLength := bytesOf(key)
	hostRedisGet(keyPointer, keyLength, &result.pointer, &result.length)
	return receivedOrError()
}

// RedisDel deletes a key and returns the number of deleted keys: "1", or "0" if it did not exist.
func RedisDel(key string) (string, error) {
	keyPointer, keyLength := bytesOf(key)
	redisDel(keyPointer, keyLength, &result.pointer, &result.length)
	return receivedOrError()
}

// RedisKeys returns the keys that match a Redis glob-style pattern ("user:*"), in no particular
// order.
func RedisKeys(pattern string) ([]string, error) {
	patternPointer, patternLength := bytesOf(pattern)
	redisKeys(patternPointer, patternLength, &result.pointer, &result.length)
	text, err := receivedOrError()
	if err != nil {
		return nil, err
	}
	keys, ok := parseStrings(text)
	if !ok {
		return nil, errors.New("redisKeys did not return a JSON array of strings: " + text)
	}
	return keys, nil
}

// RedisIncr increments the number stored at a key by one and returns the new number. A key that
// does not exist counts as 0.
func RedisIncr(key string) (int64, error) {
	keyPointer, keyLength := bytesOf(key)
	redisIncr(keyPointer, keyLength, &result.pointer, &result.length)
	text, err := receivedOrError()
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// RedisExpire sets the time to live of a key in seconds and reports whether the key exists.
func RedisExpire(key string, seconds int) (bool, error) {
	keyPointer, keyLength := bytesOf(key)
	secondsText := strconv.Itoa(seconds)
	secondsPointer, secondsLength := bytesOf(secondsText)
	redisExpire(keyPointer, keyLength, secondsPointer, secondsLength, &result.pointer, &result.length)
	text, err := receivedOrError()
	return text == "1", err
}
