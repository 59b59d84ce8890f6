package handlers

import (
	"cmp"
	"slices"
)

// Route is a line of the table, for tests.
type Route struct {
	Method, Path string
	Access       string
	Stranger     bool // a signed-out visitor gets an answer of the route's own
	Fresh        bool // asks for a recent proof
}

// Table is the table of URLs as d has it.
func Table(d Deps) []Route {
	var table []Route
	for _, rt := range d.routes() {
		table = append(table, Route{rt.method, rt.path, [...]string{"public", "user", "admin"}[rt.access], rt.stranger != nil, rt.fresh != ""})
	}
	return table
}

// Registered is what the router answers to, as "METHOD path", sorted.
func Registered(d Deps) []string {
	var all []string
	for _, rt := range newRouter(d.routes()).Routes() {
		all = append(all, rt.Method+" "+rt.Path)
	}
	slices.SortFunc(all, cmp.Compare[string])
	return all
}
