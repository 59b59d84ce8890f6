// Package sandbox holds the Sandbox Bank's pages: what it is, signing in, consent, and what could not be done. They use
// the shared style sheet and components but another sign, another head and blue instead of green, so that nobody takes
// the bank for Dashtam. No page needs JavaScript, and none contains any.
package sandbox
