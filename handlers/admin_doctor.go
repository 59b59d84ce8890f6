package handlers

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/doctor"
	"dashtam/views/pages"
)

// examine shows which part of the installation is wrong. Looking again is loading the page again.
func (d Deps) examine(c echo.Context) error {
	checks, err := d.Doctor.Run(c.Request().Context(), web.Actor(c))
	if err != nil {
		return err
	}
	return officePage(c, "Doctor", pages.DoctorPage(pages.Doctor{Checks: checks}))
}

// tell answers a doctor that wants to know how its request arrived; nobody else can ask.
func (d Deps) tell(w http.ResponseWriter, r *http.Request) {
	ask := r.Header.Get(doctor.AskHeader)
	if ask == "" {
		return
	}
	peer, _ := netip.ParseAddrPort(r.RemoteAddr) // net/http wrote it
	answer, ok := d.Doctor.Answer(ask, doctor.Seen{
		Peer: peer.Addr().Unmap(), TLS: r.TLS != nil, Host: r.Host,
		For: strings.Join(r.Header.Values("X-Forwarded-For"), ", "), Proto: r.Header.Get("X-Forwarded-Proto"),
	})
	if ok {
		w.Header().Set(doctor.AnswerHeader, answer)
	}
}
