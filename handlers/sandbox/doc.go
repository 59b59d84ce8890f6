// Package sandbox is the Sandbox Bank as the world sees it: an OpenID Connect provider (zitadel/oidc on services/sandbox),
// the bank's own pages for signing in and consent, and an FDX v6 API over the books that sandbox/books invents.
//
// It is another house than Dashtam, on another site: own cookie (cookies ignore ports, so its name must not be
// Dashtam's), own Content-Security-Policy, own look, and not a line of Dashtam's handlers. It runs without JavaScript.
//
// Of what the library offers only the authorization code flow with PKCE S256, refresh tokens that rotate, revocation,
// userinfo and the keys are reachable. Cross-origin reads are off. The issuer may be http on a loopback address only.
package sandbox
