module foreign

go 1.24.0

tool (
	github.com/Kunde21/markdownfmt/v3/cmd/markdownfmt
	github.com/itchyny/gojq/cmd/gojq
	mvdan.cc/sh/v3/cmd/shfmt
)

require (
	github.com/Kunde21/markdownfmt/v3 v3.1.0 // indirect
	github.com/google/renameio/v2 v2.0.0 // indirect
	github.com/itchyny/gojq v0.12.17 // indirect
	github.com/itchyny/timefmt-go v0.1.6 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	github.com/mattn/go-runewidth v0.0.15 // indirect
	github.com/pkg/diff v0.0.0-20210226163009-20ebb0f2a09e // indirect
	github.com/rivo/uniseg v0.4.7 // indirect
	github.com/rogpeppe/go-internal v1.14.1 // indirect
	github.com/yuin/goldmark v1.3.5 // indirect
	golang.org/x/sys v0.30.0 // indirect
	golang.org/x/term v0.29.0 // indirect
	gopkg.in/yaml.v3 v3.0.1 // indirect
	mvdan.cc/editorconfig v0.3.0 // indirect
	mvdan.cc/sh/v3 v3.11.0 // indirect
)
