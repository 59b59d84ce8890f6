package services_test

import (
	"go/types"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/tools/go/packages"

	"dashtam/services"
)

// levels are the rooms of the house from the ground up: a package may import its own level and those below it. The
// longest prefix counts.
var levels = map[string]int{
	"dashtam/migrations": 0, "dashtam/static": 0,
	"dashtam/services/errs": 0, "dashtam/services/actor": 0, "dashtam/services/money": 0, "dashtam/services/password": 0,
	"dashtam/services/encryption": 0, "dashtam/services/jwt": 0, "dashtam/services/sandbox/books": 0,
	"dashtam/services/postgres": 1, "dashtam/services/audit": 1, "dashtam/services/jobs": 1, "dashtam/services/limits": 1,
	"dashtam/services/redis": 1, "dashtam/services/cache": 1, "dashtam/services/hashpool": 1, "dashtam/services/metrics": 1, "dashtam/services/profile": 1,
	"dashtam/services/review": 2, "dashtam/services/auth": 2, "dashtam/services/tokens": 2, "dashtam/services/email": 2,
	"dashtam/services/connections": 3, "dashtam/services/ledger": 3, "dashtam/services/providers": 3,
	"dashtam/services/syncer": 4, "dashtam/services/admin": 4, "dashtam/services/doctor": 4, "dashtam/services/sandbox": 4,
	"dashtam/views": 5, "dashtam/handlers/web": 6, "dashtam/handlers/middleware": 6,
	"dashtam/handlers/api": 7, "dashtam/handlers/sandbox": 7, "dashtam/handlers": 8, "dashtam/cmd": 9,
}

// forbidden are imports no level may hide: by the importer's prefix, the prefixes it must not import.
var forbidden = map[string][]string{
	"dashtam/services": {"github.com/labstack/echo", "github.com/alexedwards/scs", "github.com/a-h/templ"},
	"dashtam/handlers": {"github.com/jackc/pgx", "dashtam/services/postgres", "dashtam/services/redis", "dashtam/services/providers/"},
	"dashtam/views":    {"github.com/labstack/echo", "github.com/alexedwards/scs", "github.com/jackc/pgx", "dashtam/services/postgres", "dashtam/migrations"},
}

// notForComputing are what a package that only computes cannot have use for.
var notForComputing = regexp.MustCompile(`^(context|net|net/http|os|os/.*|syscall|database/sql|github\.com/jackc/pgx/.*|dashtam/services/postgres)$`)

// house is every package of the program, without tests and their helpers.
var house = sync.OnceValues(func() ([]*packages.Package, error) {
	return packages.Load(&packages.Config{
		Mode: packages.NeedName | packages.NeedImports | packages.NeedTypes | packages.NeedTypesInfo | packages.NeedSyntax | packages.NeedFiles,
		Dir:  "..",
	}, "./...")
})

func load(t *testing.T) []*packages.Package {
	t.Helper()
	all, err := house()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range all {
		for _, e := range p.Errors {
			t.Fatal(e)
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(p *packages.Package) bool { return strings.HasSuffix(p.PkgPath, "test") })
}

// service is one row of the classification table in doc.go.
type service struct {
	compute bool
	tables  []string
}

// classification reads the table in doc.go, keyed by the package's path below services/.
func classification(t *testing.T) map[string]service {
	t.Helper()
	rows := map[string]service{}
	for _, c := range services.Classification() {
		if _, twice := rows[c.Service]; twice {
			t.Errorf("services/doc.go names %s twice", c.Service)
		}
		rows[c.Service] = service{compute: !c.IO, tables: strings.Fields(c.Tables)}
	}
	return rows
}

// The administrators' page shows both tables, so they must be found.
func TestTheTablesOfTheTextAreFound(t *testing.T) {
	if rows := services.Classification(); len(rows) < 20 || !slices.Contains(rows, services.Class{Service: "password"}) ||
		!slices.Contains(rows, services.Class{Service: "audit", IO: true, Kind: "PostgreSQL, files", Tables: "audit_events audit_seals"}) {
		t.Errorf("the classification reads as %+v", rows)
	}
	rows := services.Decisions()
	if len(rows) < 8 || rows[0] != (services.Decision{
		Date: "2025-10-04", What: "Keep PasswordService synchronous", Because: "bcrypt computes; the EncryptionService pattern; no performance issue known",
	}) {
		t.Errorf("the decision log reads as %+v", rows)
	}
}

func TestEveryServiceIsClassified(t *testing.T) {
	rows := classification(t)
	for name := range rows {
		if files, _ := filepath.Glob(name + "/*.go"); len(files) == 0 {
			t.Errorf("services/doc.go names %s, which is no package", name)
		}
	}
	for _, p := range load(t) {
		name, ok := strings.CutPrefix(p.PkgPath, "dashtam/services/")
		if !ok {
			continue
		}
		row, known := rows[name]
		if !known {
			t.Errorf("%s stands not in the table of services/doc.go", name)
		}
		for imported := range p.Imports {
			if row.compute && notForComputing.MatchString(imported) {
				t.Errorf("%s computes, and imports %s", name, imported)
			}
		}
	}
}

func TestImportsPointDown(t *testing.T) {
	for _, p := range load(t) {
		mine, known := level(p.PkgPath)
		if !known && p.PkgPath != "dashtam/services" {
			t.Errorf("%s has no level", p.PkgPath)
		}
		for imported := range p.Imports {
			if theirs, ours := level(imported); ours && theirs > mine {
				t.Errorf("%s (level %d) imports %s (level %d)", p.PkgPath, mine, imported, theirs)
			}
			for prefix, not := range forbidden {
				for _, bad := range not {
					if under(p.PkgPath, prefix) && strings.HasPrefix(imported, bad) {
						t.Errorf("%s imports %s", p.PkgPath, imported)
					}
				}
			}
		}
		if !under(p.PkgPath, "dashtam/views") {
			continue
		}
		for at, used := range p.TypesInfo.Uses {
			if name, ok := used.(*types.TypeName); ok && name.Name() == "Service" && name.Pkg() != p.Types {
				t.Errorf("%s uses a service: %v", p.PkgPath, p.Fset.Position(at.Pos()))
			}
		}
	}
}

func level(pkg string) (int, bool) {
	for ; pkg != "."; pkg = path.Dir(pkg) {
		if l, ok := levels[pkg]; ok {
			return l, true
		}
	}
	return 0, false
}

func under(pkg, prefix string) bool { return pkg == prefix || strings.HasPrefix(pkg, prefix+"/") }
