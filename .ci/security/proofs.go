package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// proof is one test of one requirement.
type proof struct {
	dir, test string
	breaks    []string // what must turn it red: "file: change"
	missing   string   // a file that a break names and that does not exist
	result    string   // pass, fail, skip; empty when it has not run
}

func (p *proof) gap(list bool) string {
	switch {
	case len(p.breaks) == 0:
		return "no break"
	case p.missing != "":
		return "there is no " + p.missing
	case !list && p.result != "pass":
		return "not proved"
	}
	return ""
}

var (
	// A break is one line beside its test, in its comment or inside of it.
	breakLine = regexp.MustCompile(`^// Break ([A-Z]{2}-\d+): ([^ :]+): (.+)$`)
	// A test's name holds the requirements it proves: TestLogin_LG4_LG5_TokenChanges.
	inName = regexp.MustCompile(`_([A-Z]{2})(\d+)`)
)

// read finds all proofs below root, by the requirement.
func read(root string) (map[string][]*proof, error) {
	proofs := map[string][]*proof{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || len(d.Name()) > 1 && d.Name()[0] == '.') {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		return readFile(path, proofs)
	})
	return proofs, err
}

func readFile(path string, proofs map[string][]*proof) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	start := file.Name.End()
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !strings.HasPrefix(f.Name.Name, "Test") && !strings.HasPrefix(f.Name.Name, "Fuzz") {
			continue
		}
		found := map[string]*proof{}
		of := func(id string) *proof {
			if found[id] == nil {
				found[id] = &proof{dir: dir, test: f.Name.Name}
				proofs[id] = append(proofs[id], found[id])
			}
			return found[id]
		}
		for _, m := range inName.FindAllStringSubmatch(f.Name.Name, -1) {
			of(m[1] + "-" + m[2])
		}
		for _, group := range file.Comments {
			for _, c := range group.List {
				if m := breakLine.FindStringSubmatch(c.Text); m != nil && start <= c.Pos() && c.Pos() < f.End() {
					of(m[1]).add(m[2], m[3])
				}
			}
		}
		start = f.End()
	}
	return nil
}

// add keeps a break; its file is named from the root or from the test's own directory.
func (p *proof) add(file, change string) {
	if beside := filepath.Join(p.dir, file); exists(beside) {
		file = beside
	} else if !exists(file) {
		p.missing = file
	}
	p.breaks = append(p.breaks, file+": "+change)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
