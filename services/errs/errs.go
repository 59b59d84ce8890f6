package errs

import (
	"errors"
	"maps"
	"time"
)

// Kind says what went wrong in terms a caller can act on. Its zero value is Internal.
type Kind uint8

// The kinds, each with the HTTP status handlers/web gives it.
const (
	Internal        Kind = iota // 500
	Invalid                     // 422, with a sentence per field
	Unauthenticated             // 401
	Forbidden                   // 403
	NotFound                    // 404, also for what belongs to somebody else
	Conflict                    // 409
	RateLimited                 // 429, with RetryAfter
	Unavailable                 // 503, with RetryAfter
)

var names = [...]string{"internal", "invalid", "unauthenticated", "forbidden", "not_found", "conflict", "rate_limited", "unavailable"}

// String is the kind's name as it stands in logs and in the API's problem documents.
func (k Kind) String() string {
	if int(k) < len(names) {
		return names[k]
	}
	return names[Internal]
}

// Error is an error with a public face (Message, Fields) and a private one (Cause).
type Error struct {
	Kind       Kind
	Message    string            // one plain sentence for a person; never a secret, never an internal detail
	Fields     map[string]string // form field -> sentence, for Invalid
	RetryAfter time.Duration     // for RateLimited and Unavailable
	Cause      error             // for the log only
}

// Error is the log's view: kind, public sentence and cause.
func (e *Error) Error() string {
	s := e.Kind.String()
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Cause != nil {
		s += ": " + e.Cause.Error()
	}
	return s
}

// Unwrap gives the cause to errors.Is and errors.As.
func (e *Error) Unwrap() error { return e.Cause }

// Is makes two errors of this package equal when kind and message are, so that a sentinel still matches after Because
// gave it a cause.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && t.Message == e.Message
}

// Because returns a copy of e that carries cause.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Fields = maps.Clone(e.Fields)
	c.Cause = cause
	return &c
}

// ErrUnknown says that nobody knows whether an act was done: its end was on the way when the database went away.
var ErrUnknown = Retry(Unavailable, "It may have been done, or not: the database went away at the last moment. Look before you send it again.", 5*time.Second)

// New makes an error of a kind with a sentence for the person.
func New(kind Kind, message string) *Error { return &Error{Kind: kind, Message: message} }

// Field makes an Invalid error about one form field.
func Field(name, sentence string) *Error {
	return &Error{Kind: Invalid, Message: sentence, Fields: map[string]string{name: sentence}}
}

// Fields makes an Invalid error about several form fields, or returns nil when there are none.
func Fields(fields map[string]string) error {
	if len(fields) == 0 {
		return nil
	}
	return &Error{Kind: Invalid, Message: "Some of what was typed cannot be used.", Fields: fields}
}

// Retry makes an error that tells the caller when to come back. Kind is RateLimited or Unavailable.
func Retry(kind Kind, message string, after time.Duration) *Error {
	return &Error{Kind: kind, Message: message, RetryAfter: after}
}

// KindOf is the kind of the outermost *Error in err, Internal for any other error.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// FieldsOf is the sentence per form field of an Invalid error, nil for any other.
func FieldsOf(err error) map[string]string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Fields
	}
	return nil
}

// Message is the sentence a person may read; empty for an error that has none.
func Message(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Kind != Internal {
		return e.Message
	}
	return ""
}

// RetryAfter is how long the caller should wait, zero where the error does not say.
func RetryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}
