// Command compute is a guest whose http handler runs the work that the body names ("json 100",
// "arithmetic 100", "sieve 100", "strings 100" or "fibonacci 20") and returns its result. The
// benchmarks of step metering call it.
package main

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	hf "github.com/bots-garden/capsule/capsulemodule/hostfunctions"
)

var works = map[string]func(n int) (string, error){
	"json": jsonWork, "arithmetic": arithmetic, "sieve": sieve, "strings": stringsWork, "fibonacci": fibonacciWork,
}

func main() {
	hf.SetHandleHttp(func(body string, headers map[string]string) (string, map[string]string, error) {
		name, count, _ := strings.Cut(body, " ")
		n, err := strconv.Atoi(count)
		work := works[name]
		if err != nil || work == nil {
			return "", nil, errors.New("want a name and a number, got " + body)
		}
		answer, err := work(n)
		return answer, nil, err
	})
}

type order struct {
	Name  string   `json:"name"`
	Price int      `json:"price"`
	Tags  []string `json:"tags"`
}

// jsonWork decodes and encodes a small document n times.
func jsonWork(n int) (string, error) {
	text := []byte(`{"name":"tea","price":350,"tags":["hot","green","👋"]}`)
	for i := 0; i < n; i++ {
		var parsed order
		if err := json.Unmarshal(text, &parsed); err != nil {
			return "", err
		}
		var err error
		if text, err = json.Marshal(parsed); err != nil {
			return "", err
		}
	}
	return string(text), nil
}

// arithmetic runs a linear congruential generator for n steps.
func arithmetic(n int) (string, error) {
	state := uint64(1)
	for i := 0; i < n; i++ {
		state = state*6364136223846793005 + 1442695040888963407
	}
	return strconv.FormatUint(state, 16), nil
}

// sieve returns the number of primes below n.
func sieve(n int) (string, error) {
	composite := make([]bool, n)
	primes := 0
	for i := 2; i < n; i++ {
		if composite[i] {
			continue
		}
		primes++
		for j := i * i; j < n; j += i {
			composite[j] = true
		}
	}
	return strconv.Itoa(primes), nil
}

// stringsWork splits, changes and joins a sentence n times, and returns the sentence.
func stringsWork(n int) (string, error) {
	text := "the quick brown fox jumps over the lazy dog"
	for i := 0; i < n; i++ {
		words := strings.Fields(text)
		words[i%len(words)] = strings.ToUpper(words[i%len(words)])
		text = strings.Join(words, " ")
	}
	return text, nil
}

func fibonacciWork(n int) (string, error) {
	return strconv.Itoa(fibonacci(n)), nil
}

func fibonacci(n int) int {
	if n < 2 {
		return n
	}
	return fibonacci(n-1) + fibonacci(n-2)
}
