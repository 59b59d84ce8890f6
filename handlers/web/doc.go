// Package web is what every page handler stands on: pages and fragments, redirects, forms, ids, who is asking, flashes,
// and the one table that turns a kind of error into a status and a page.
//
// It knows nothing of any area. A page is rendered into a buffer first, so an error never leaves half a page with status
// 200; every answer that could also be a fragment says Vary: HX-Request, and what a signed-in person sees is no-store
// (SE-3). Nothing here decides access: that is handlers/routes.go.
package web
