// Command security reports how the security requirements are proved: for each one the tests that name it, their result,
// and the break kept beside them, which is the one change that must turn the test red. A test that stays green under its
// break proves nothing. It fails where a requirement that is due has no test, or a test of it no break or no success.
//
//	go run ./.ci/security         run the tests and print the table
//	go run ./.ci/security -list   print the table without running anything
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

//go:embed requirements.txt
var text string

// requirement is one line of requirements.txt.
type requirement struct{ id, title string }

func main() {
	list := flag.Bool("list", false, "print the table without running the tests")
	flag.Parse()
	gaps, err := report(os.Stdout, *list)
	if err != nil {
		fmt.Fprintln(os.Stderr, "security:", err)
		os.Exit(2)
	}
	if gaps > 0 {
		os.Exit(1)
	}
}

// report prints the table and counts the gaps.
func report(w io.Writer, list bool) (gaps int, err error) {
	due, later := requirements(text)
	proofs, err := read(".")
	if err != nil {
		return 0, err
	}
	var chosen []*proof
	for _, r := range due {
		chosen = append(chosen, proofs[r.id]...)
	}
	if !list {
		if err := run(chosen); err != nil {
			return 0, err
		}
	}
	for _, r := range due {
		fmt.Fprintf(w, "%-5s  %s\n", r.id, r.title)
		for _, p := range proofs[r.id] {
			gap := p.gap(list)
			if gap != "" {
				gaps++
				gap = "  GAP: " + gap
			}
			fmt.Fprintf(w, "       %-4s %s %s%s\n", p.result, p.dir, p.test, gap)
			for _, b := range p.breaks {
				fmt.Fprintf(w, "            break %s\n", b)
			}
		}
		if len(proofs[r.id]) == 0 {
			gaps++
			fmt.Fprintln(w, "       GAP: no test")
		}
	}
	fmt.Fprintf(w, "\nNot due yet:\n")
	for _, r := range later {
		note := ""
		if n := len(proofs[r.id]); n > 0 {
			note = fmt.Sprintf(" (tests: %d)", n)
		}
		fmt.Fprintf(w, "%-5s  %s%s\n", r.id, r.title, note)
	}
	fmt.Fprintf(w, "\n%d requirements due, %d tests, %d gaps\n", len(due), len(chosen), gaps)
	return gaps, nil
}

func requirements(text string) (due, later []requirement) {
	list := &due
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "later:" {
			list = &later
		}
		if id, title, ok := strings.Cut(line, " | "); ok && !strings.HasPrefix(line, "#") {
			*list = append(*list, requirement{id, title})
		}
	}
	return due, later
}
