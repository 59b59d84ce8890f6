package pages

import (
	"strings"

	"dashtam/services/doctor"
	"dashtam/views/components"
)

// DoctorPath is the page that finds out which part is wrong.
const DoctorPath = "/admin/doctor"

// Doctor is what was found.
type Doctor struct{ Checks []doctor.Check }

func (p Doctor) head() components.HeadProps {
	parts := map[doctor.State][]string{}
	for _, c := range p.Checks {
		parts[c.State] = append(parts[c.State], c.Name)
	}
	h := components.HeadProps{Title: "Doctor", Answer: "Everything is as it should be.", Sub: "Looked at just now, without changing anything. The command dashtam doctor says the same."}
	if failed := parts[doctor.Fail]; len(failed) > 0 {
		h.Answer = components.Plural(len(failed), "part") + " " + verb(len(failed), "does", "do") + " not work: " + strings.Join(failed, ", ") + "."
	} else if doubtful := parts[doctor.Warn]; len(doubtful) > 0 {
		h.Answer = components.Plural(len(doubtful), "part") + " " + verb(len(doubtful), "needs", "need") + " a look: " + strings.Join(doubtful, ", ") + "."
	}
	return h
}

// copies are the values to be entered elsewhere.
func (p Doctor) copies() (all []doctor.Line) {
	for _, c := range p.Checks {
		all = append(all, c.Copy...)
	}
	return all
}

func (p Doctor) findings() []components.Finding {
	list := make([]components.Finding, len(p.Checks))
	for i, c := range p.Checks {
		list[i] = components.Finding{Name: c.Name, State: string(c.State), Found: c.Found, Do: c.Do}
	}
	return list
}
