package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// run runs the tests of the proofs, one package after the other, and notes what came of them.
func run(proofs []*proof) error {
	byDir := map[string][]*proof{}
	for _, p := range proofs {
		byDir[p.dir] = append(byDir[p.dir], p)
	}
	var dirs []string
	for dir := range byDir {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	for _, dir := range dirs {
		fmt.Fprintln(os.Stderr, "testing", dir)
		results, err := test(dir, byDir[dir])
		if err != nil {
			return fmt.Errorf("%s: %w", dir, err)
		}
		for _, p := range byDir[dir] {
			p.result = results[p.test]
		}
	}
	return nil
}

// test runs the tests of one package and returns their results by name. That tests fail is no error.
func test(dir string, proofs []*proof) (map[string]string, error) {
	var names []string
	for _, p := range proofs {
		names = append(names, p.test)
	}
	slices.Sort(names)
	pattern := "^(" + strings.Join(slices.Compact(names), "|") + ")$"
	cmd := exec.Command("go", "test", "-json", "-timeout", "10m", "-run", pattern, "./"+dir) //nolint:noctx // go test has a timeout of its own
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	results := map[string]string{}
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var event struct{ Action, Test string }
		if json.Unmarshal(lines.Bytes(), &event) != nil {
			continue // a line of the compiler
		}
		if event.Action == "pass" || event.Action == "fail" || event.Action == "skip" {
			results[event.Test] = event.Action
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if err := cmd.Wait(); err != nil && results[""] == "" {
		return nil, err
	}
	return results, nil
}
