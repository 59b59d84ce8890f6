package pages

import (
	"fmt"
	"strings"
	"time"

	"dashtam/services/connections"
	"dashtam/services/providers"
	"dashtam/views/components"
)

// Picker is the choice of a bank to connect.
type Picker struct {
	Providers []providers.Profile
	Connected map[string]bool               // slugs the person has already
	Health    map[string]connections.Health // by slug
	Search    string
	Now       time.Time
}

// split is what the search finds: the banks with invented money, and the others.
func (p Picker) split() (sandbox, banks []providers.Profile) {
	for _, b := range p.Providers {
		switch {
		case !p.finds(b):
		case b.Sandbox:
			sandbox = append(sandbox, b)
		default:
			banks = append(banks, b)
		}
	}
	return sandbox, banks
}

// finds reports whether the search is part of a bank's name or address.
func (p Picker) finds(b providers.Profile) bool {
	search := strings.ToLower(strings.TrimSpace(p.Search))
	return strings.Contains(strings.ToLower(b.Name), search) || strings.Contains(strings.ToLower(host(b)), search)
}

func aboutPath(p providers.Profile) string { return "/connections/" + p.Slug + "/about" }

const (
	// fewest is how many syncs it takes to say how a bank does, and not how somebody's connection does.
	fewest = 10
	// worrying is the share of syncs that worked below which a bank is marked.
	worrying = 0.95
)

// worked is the share of a week's syncs that worked, with the width of its bar; few when there were too few.
func (p Picker) worked(b providers.Profile) (words, width string, low, few bool) {
	week := p.Health[b.Slug].Week
	if week.Runs < fewest {
		return "", "", false, true
	}
	share := float64(week.Done) / float64(week.Runs)
	return components.Percent(share), fmt.Sprintf("%.1f%%", 100*share), share < worrying, false
}
