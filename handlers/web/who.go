package web

import (
	"github.com/labstack/echo/v4"

	"dashtam/services/actor"
	"dashtam/services/auth"
)

// maxAgent bounds what is kept of the User-Agent header.
const maxAgent = 256

// Person is who is signed in, nil for a stranger.
func Person(c echo.Context) *auth.User { return auth.VisitorFrom(c.Request().Context()).User }

// Actor is who acts through this request and from where, for services and their audit rows.
func Actor(c echo.Context) actor.Actor {
	r := c.Request()
	visitor, info := auth.VisitorFrom(r.Context()), InfoFrom(r.Context())
	who := actor.Actor{SessionID: visitor.SessionID, RequestID: info.RequestID, IP: info.IP, UserAgent: agent(r.UserAgent())}
	if u := visitor.User; u != nil {
		who.Kind, who.UserID = actor.User, u.ID
		if u.Admin() {
			who.Kind = actor.Admin
		}
	}
	return who
}
