// Package layouts holds the three sheets a page is laid on: App with its navigation for signed-in people, Gate for
// signing in and up, Plain for errors and the landing page. Each takes a Frame, which handlers/web fills.
package layouts
