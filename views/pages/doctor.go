package pages

import (
	"dashtam/services/doctor"
	"dashtam/views/components"
)

// DoctorPath is the page that finds out which part is wrong.
const DoctorPath = "/admin/doctor"

// Doctor is what was found.
type Doctor struct{ Checks []doctor.Check }

func (p Doctor) head() components.HeadProps {
	failed, doubtful := 0, 0
	for _, c := range p.Checks {
		switch c.State {
		case doctor.Fail:
			failed++
		case doctor.Warn:
			doubtful++
		case doctor.OK:
		}
	}
	h := components.HeadProps{Title: "Doctor", Answer: "Everything is as it should be.", Sub: "Looked at just now, without changing anything. The command dashtam doctor says the same."}
	switch {
	case failed > 0:
		h.Answer = components.Plural(failed, "part") + " " + verb(failed, "does not work.", "do not work.")
	case doubtful > 0:
		h.Answer = components.Plural(doubtful, "part") + " " + verb(doubtful, "needs a look.", "need a look.")
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

func doctorState(s doctor.State) (tone components.Tone, icon, word string) {
	switch s {
	case doctor.OK:
		return components.Good, "circle-check", "Works"
	case doctor.Warn:
		return components.Close, "circle-alert", "Look"
	case doctor.Fail:
	}
	return components.Bad, "circle-x", "Broken"
}
