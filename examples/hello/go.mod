module hello

go 1.18

require github.com/bots-garden/capsule/capsulemodule v0.0.0

replace github.com/bots-garden/capsule/capsulemodule => ../../src/sdk/go
