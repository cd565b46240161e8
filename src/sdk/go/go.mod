module github.com/bots-garden/capsule/capsulemodule

go 1.20
