package password

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"io"
	"slices"
	"strings"
	"sync"
)

// commonGz holds the passwords that are tried first, of those long enough to be tried here at all: lower case, sorted,
// one a line. Its sources and their licence stand in common.LICENSE.txt.
//
//go:embed common.txt.gz
var commonGz []byte

var common = sync.OnceValue(func() []string {
	r, err := gzip.NewReader(bytes.NewReader(commonGz))
	if err != nil {
		panic("password: " + err.Error()) // the file is part of the program
	}
	text, err := io.ReadAll(r)
	if err != nil {
		panic("password: " + err.Error())
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
})

// isCommon reports whether the whole of text, in lower case, is a common password.
func isCommon(text string) bool {
	_, found := slices.BinarySearch(common(), text)
	return found
}
