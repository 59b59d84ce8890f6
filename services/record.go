package services

import (
	_ "embed" // the text of doc.go
	"regexp"
	"strings"
)

//go:embed doc.go
var text string

// Class is one row of the classification table above.
type Class struct {
	Service string // the package's path below services/
	IO      bool   // else it computes
	Kind    string // of I/O; empty for none
	Tables  string // it owns; empty for none
}

// Decision is one row of the decision log above.
type Decision struct {
	Date          string // 2026-11-24
	What, Because string
}

var (
	classRow    = regexp.MustCompile(`(?m)^//\t([\w/]+) +\| (compute|io) +\| ([^|]*?) *\| (.+)$`)
	decisionRow = regexp.MustCompile(`(?m)^//\t(\d{4}-\d\d-\d\d) \| ([^|]*?) *\| (.+)$`)
)

// Classification is the table of services, as it stands in this package's documentation.
func Classification() (rows []Class) {
	for _, m := range classRow.FindAllStringSubmatch(text, -1) {
		rows = append(rows, Class{m[1], m[2] == "io", orNone(m[3]), orNone(m[4])})
	}
	return rows
}

// Decisions is the decision log, oldest first.
func Decisions() (rows []Decision) {
	for _, m := range decisionRow.FindAllStringSubmatch(text, -1) {
		rows = append(rows, Decision{m[1], m[2], m[3]})
	}
	return rows
}

func orNone(cell string) string {
	if cell = strings.TrimSpace(cell); cell == "-" {
		return ""
	}
	return cell
}
