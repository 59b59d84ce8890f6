package services_test

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
	"testing"

	"golang.org/x/tools/go/packages"
)

// dictated are methods whose signature belongs to a library.
var dictated = map[string]string{
	"auth.Sessions.Find":            "scs.Store",
	"auth.Sessions.Commit":          "scs.Store",
	"auth.Sessions.Delete":          "scs.Store",
	"providers/fdx.judge.RoundTrip": "http.RoundTripper",
}

// TestContextFirstIfAndOnlyIfIO holds the one idea: a compute package takes no context; in an I/O package a context
// stands first, and an exported function without one reaches nothing that wants one. Exempt are constructors, methods of
// value types, and what a library dictates.
func TestContextFirstIfAndOnlyIfIO(t *testing.T) {
	rows := classification(t)
	for _, p := range load(t) {
		name, ok := strings.CutPrefix(p.PkgPath, "dashtam/services/")
		if !ok {
			continue
		}
		waits := waiting(p)
		for _, f := range functions(p) {
			signature := f.Signature()
			called := name + "." + receiver(signature) + f.Name()
			for i := range signature.Params().Len() {
				if !isContext(signature.Params().At(i).Type()) {
					continue
				}
				if rows[name].compute {
					t.Errorf("%s computes, and takes a context", called)
				} else if i != 0 {
					t.Errorf("%s takes a context, but not first", called)
				}
			}
			if f.Exported() && waits[f] && !takesContext(signature) && !exempt(f) && dictated[called] == "" {
				t.Errorf("%s does I/O, and takes no context", called)
			}
		}
	}
}

// waiting gives the functions of p that call, directly or through others of p, something that takes a context.
func waiting(p *packages.Package) map[*types.Func]bool {
	calls := map[*types.Func][]*types.Func{}
	waits := map[*types.Func]bool{}
	for _, file := range p.Syntax {
		for _, d := range file.Decls {
			decl, ok := d.(*ast.FuncDecl)
			if !ok || decl.Body == nil {
				continue
			}
			caller, _ := p.TypesInfo.Defs[decl.Name].(*types.Func)
			ast.Inspect(decl.Body, func(n ast.Node) bool {
				if r, ok := n.(*ast.ReturnStmt); ok && len(r.Results) == 1 {
					if _, made := r.Results[0].(*ast.FuncLit); made {
						return false // it makes a function; what that does is its caller's
					}
				}
				id, ok := n.(*ast.Ident)
				if !ok {
					return true
				}
				called, ok := p.TypesInfo.Uses[id].(*types.Func)
				switch {
				case !ok || called.Pkg() == nil || called.Pkg().Path() == "context" || called.Pkg().Path() == "log/slog":
				case takesContext(called.Signature()):
					waits[caller] = true
				case called.Pkg() == p.Types:
					calls[caller] = append(calls[caller], called)
				}
				return true
			})
		}
	}
	for changed := true; changed; {
		changed = false
		for caller, all := range calls {
			for _, called := range all {
				if waits[called] && !waits[caller] {
					waits[caller], changed = true, true
				}
			}
		}
	}
	return waits
}

func functions(p *packages.Package) (all []*types.Func) {
	for id, object := range p.TypesInfo.Defs {
		if f, ok := object.(*types.Func); ok && id.Pos() != token.NoPos {
			all = append(all, f)
		}
	}
	return all
}

func exempt(f *types.Func) bool {
	if r := f.Signature().Recv(); r != nil {
		_, pointer := r.Type().(*types.Pointer)
		return !pointer
	}
	return strings.HasPrefix(f.Name(), "New")
}

func takesContext(s *types.Signature) bool {
	return s.Params().Len() > 0 && isContext(s.Params().At(0).Type())
}

func isContext(t types.Type) bool {
	return types.TypeString(t, nil) == "context.Context"
}

// receiver is "Type." for a method and empty for a function.
func receiver(s *types.Signature) string {
	if s.Recv() == nil {
		return ""
	}
	t := types.TypeString(s.Recv().Type(), func(*types.Package) string { return "" })
	return strings.TrimPrefix(t, "*") + "."
}
