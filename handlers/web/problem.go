package web

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"dashtam/services/auth"
	"dashtam/services/connections"
	"dashtam/services/errs"
	"dashtam/views/pages"
)

// statuses is the one table of kinds and statuses.
var statuses = map[errs.Kind]int{
	errs.Internal:        http.StatusInternalServerError,
	errs.Invalid:         http.StatusUnprocessableEntity,
	errs.Unauthenticated: http.StatusUnauthorized,
	errs.Forbidden:       http.StatusForbidden,
	errs.NotFound:        http.StatusNotFound,
	errs.Conflict:        http.StatusConflict,
	errs.RateLimited:     http.StatusTooManyRequests,
	errs.Unavailable:     http.StatusServiceUnavailable,
}

// Status is the HTTP status of err: by its kind, or what the router or the body's limit said.
func Status(err error) int {
	if tooLarge(err) {
		return http.StatusRequestEntityTooLarge
	}
	if errors.Is(err, context.DeadlineExceeded) && errs.KindOf(err) == errs.Internal {
		return http.StatusServiceUnavailable
	}
	if he, ok := errors.AsType[*echo.HTTPError](err); ok {
		return he.Code
	}
	return statuses[errs.KindOf(err)]
}

// tooLarge reports whether err is that of a body over MaxBody.
func tooLarge(err error) bool {
	_, ok := errors.AsType[*http.MaxBytesError](err)
	return ok
}

// Problem answers err: HTML for a person, a notice for htmx, a problem document (RFC 9457) under /api/. It shows the
// error's public sentence and logs its cause. The headers set so far stay.
func Problem(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(r.Context().Err(), context.Canceled) {
		return // the browser has gone
	}
	status := Status(err)
	logProblem(r, status, err)
	if wait := retryAfter(status, err); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(wait))
	}
	w.Header().Set("X-Robots-Tag", "noindex")
	if strings.HasPrefix(r.URL.Path, "/api/") {
		ProblemJSON(w, r, status, err)
		return
	}
	if status == http.StatusUnauthorized {
		ToLogin(w, r)
		return
	}
	p := describe(r, status, err)
	body := pages.ProblemNotice(p)
	if !WantsFragment(r) {
		body = in(Plain, frame(r, Meta{Title: p.Title}), pages.ProblemPage(p))
	}
	if err := write(w, r, status, body); err != nil {
		http.Error(w, p.Title, status)
	}
}

// logProblem writes down what a person is not shown. What they did wrong themselves is in the access log already.
func logProblem(r *http.Request, status int, err error) {
	log := InfoFrom(r.Context()).Log
	switch {
	case status == http.StatusServiceUnavailable:
		log.WarnContext(r.Context(), "unavailable", "error", err)
	case status >= http.StatusInternalServerError:
		log.ErrorContext(r.Context(), "failed", "error", err)
	}
}

// Later notes that err, which the handler's own page tells of, passes (429, 503): it is logged, and Retry-After says
// after how many seconds to come back. ok is false for an error that is not of this kind.
func Later(c echo.Context, err error) (seconds int, ok bool) {
	status := Status(err)
	if status != http.StatusServiceUnavailable && status != http.StatusTooManyRequests {
		return 0, false
	}
	logProblem(c.Request(), status, err)
	seconds = retryAfter(status, err)
	c.Response().Header().Set("Retry-After", strconv.Itoa(seconds))
	return seconds, true
}

// retryAfter is the seconds to wait, rounded up; 429 and 503 always say some.
func retryAfter(status int, err error) int {
	wait := errs.RetryAfter(err)
	if wait <= 0 {
		switch status {
		case http.StatusTooManyRequests:
			wait = time.Minute
		case http.StatusServiceUnavailable:
			wait = 5 * time.Second
		}
	}
	return int(math.Ceil(wait.Seconds()))
}

// words is what a status says where the error itself has no sentence.
var words = map[int][2]string{
	http.StatusForbidden:             {"This is not open to you.", "Your account may not see or do this."},
	http.StatusNotFound:              {"There is no such page.", "The address may be old or mistyped, or it belongs to somebody else. In that case we say no more than this."},
	http.StatusMethodNotAllowed:      {"That cannot be done here.", "The page exists, but it does not take this kind of request."},
	http.StatusConflict:              {"Something changed meanwhile.", "Go back, load the page again and look before you repeat it. Nothing was saved."},
	http.StatusRequestEntityTooLarge: {"That is too much at once.", "A form here takes 64 KiB. Nothing was saved."},
	http.StatusUnprocessableEntity:   {"We cannot read that.", "Some of what was sent is not what this page takes. Nothing was saved."},
	http.StatusTooManyRequests:       {"That was too often.", "Wait a little, then try again. Nothing was saved."},
	http.StatusServiceUnavailable:    {"We need a moment.", "Dashtam is busy or cannot reach its database. Nothing is lost. Load the page again in a few seconds."},
	http.StatusInternalServerError:   {"That did not work.", "The fault is ours, and it is written down under the number below. Nothing was half saved."},
}

// describe puts err into words.
func describe(r *http.Request, status int, err error) pages.Problem {
	text, ok := words[status]
	if !ok {
		text = words[http.StatusUnprocessableEntity]
	}
	info := InfoFrom(r.Context())
	p := pages.Problem{
		Title: text[0], Text: text[1], RequestID: info.RequestID, Label: "Status", Figure: strconv.Itoa(status),
		SignedIn: auth.VisitorFrom(r.Context()).User != nil,
	}
	if errors.Is(err, connections.ErrNoAttempt) {
		p.Title, p.Bank = "This visit to the bank is over.", true
	}
	if message := errs.Message(err); message != "" && status != http.StatusNotFound {
		p.Text = message
	}
	if info.Route == "" {
		p.Path = r.URL.Path // no route matched, so it holds no id and no token of ours
	}
	if status == http.StatusNotFound {
		p.Label, p.Figure = "Found", "0"
	}
	return p
}

// problemDocument is RFC 9457; fields is our extension for bad input.
type problemDocument struct {
	Type      string            `json:"type"`
	Title     string            `json:"title"`
	Status    int               `json:"status"`
	Detail    string            `json:"detail,omitempty"`
	RequestID string            `json:"request_id"`
	Fields    map[string]string `json:"fields,omitempty"`
}

// ProblemJSON answers err as a problem document.
func ProblemJSON(w http.ResponseWriter, r *http.Request, status int, err error) {
	doc := problemDocument{
		Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: errs.Message(err),
		RequestID: InfoFrom(r.Context()).RequestID, Fields: errs.FieldsOf(err),
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(doc) // the client has gone: nobody is left to tell
}
