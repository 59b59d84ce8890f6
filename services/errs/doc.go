// Package errs is the one error type of the house: a kind that decides the status, a sentence a person may read, and a
// cause that only the log sees.
//
// Services return these; handlers/web alone turns a kind into a status and a page. The message never holds a secret, a
// provider's body or an internal name. The zero kind is Internal, so an error nobody thought about shows nothing.
package errs
