// Package handlers is Dashtam's web surface: every URL (routes.go), the stack they stand in (handlers.go), and one file
// per act, named after its area: auth_login.go, overview.go, connections_show.go.
//
// A handler finds out who asks, reads what was sent, makes one call to a service, and renders a page or leaves a flash
// and answers 303. It holds no SQL, no cryptography and no check of roles: access is decided in routes.go alone, and
// whose data may be read is decided in the services' SQL. Errors are returned as they came; handlers/web turns them into
// a status and a page.
package handlers
