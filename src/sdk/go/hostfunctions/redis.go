package hostfunctions

import (
	"errors"
	"strconv"
)

//export hostRedisSet
func hostRedisSet(key *byte, keyLength uint32, value *byte, valueLength uint32, resultPointer **byte, resultLength *uint32)

//export hostRedisGet
func hostRedisGet(key *byte, keyLength uint32, resultPointer **byte, resultLength *uint32)

// The functions below live in a module of imports of their own, "capsule": launchers of the 0.1 line lack them, and a
// program that does not use them must not ask for them.

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

// RedisSet stores a value and returns "[OK](key:value)".
func RedisSet(key, value string) (string, error) {
	keyPointer, keyLength := bytesOf(key)
	valuePointer, valueLength := bytesOf(value)
	hostRedisSet(keyPointer, keyLength, valuePointer, valueLength, &result.pointer, &result.length)
	return receivedOrError()
}

// RedisGet reads a value. A key that does not exist is the error "redis: nil".
func RedisGet(key string) (string, error) {
	keyPointer, keyLength := bytesOf(key)
	hostRedisGet(keyPointer, keyLength, &result.pointer, &result.length)
	return receivedOrError()
}

// RedisDel removes a key and returns how many keys went: "1", or "0" when there was none.
func RedisDel(key string) (string, error) {
	keyPointer, keyLength := bytesOf(key)
	redisDel(keyPointer, keyLength, &result.pointer, &result.length)
	return receivedOrError()
}

// RedisKeys lists the keys that match a pattern of Redis ("user:*"), in no order.
func RedisKeys(pattern string) ([]string, error) {
	patternPointer, patternLength := bytesOf(pattern)
	redisKeys(patternPointer, patternLength, &result.pointer, &result.length)
	text, err := receivedOrError()
	if err != nil {
		return nil, err
	}
	keys, ok := parseStrings(text)
	if !ok {
		return nil, errors.New("redisKeys answered what is no JSON array of strings: " + text)
	}
	return keys, nil
}

// RedisIncr adds one to the number that a key holds, from 0 when it does not exist, and returns the new number.
func RedisIncr(key string) (int64, error) {
	keyPointer, keyLength := bytesOf(key)
	redisIncr(keyPointer, keyLength, &result.pointer, &result.length)
	text, err := receivedOrError()
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

// RedisExpire lets a key vanish after some seconds, and says whether the key existed.
func RedisExpire(key string, seconds int) (bool, error) {
	keyPointer, keyLength := bytesOf(key)
	secondsText := strconv.Itoa(seconds)
	secondsPointer, secondsLength := bytesOf(secondsText)
	redisExpire(keyPointer, keyLength, secondsPointer, secondsLength, &result.pointer, &result.length)
	text, err := receivedOrError()
	return text == "1", err
}
