package sandbox

import (
	"bytes"
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"

	"dashtam/services/sandbox"
	"dashtam/services/sandbox/books"
)

// show answers a request as the faults say, and by answer where they leave one. refusal is the JSON of a status that was
// asked for.
func show(w http.ResponseWriter, r *http.Request, list []sandbox.Fault, refusal any, answer http.Handler) {
	h := w.Header()
	for _, f := range list {
		switch f.Name {
		case sandbox.FaultLatency:
			sleep(r.Context(), time.Duration(f.Value.Int(0))*time.Millisecond)
		case sandbox.FaultHang:
			sleep(r.Context(), time.Duration(f.Value.Int(60))*time.Second)
			panic(http.ErrAbortHandler)
		}
	}
	for _, f := range list {
		switch f.Name {
		case sandbox.FaultRateLimit:
			h.Set("Retry-After", strconv.Itoa(f.Value.Int(60)))
			writeJSON(w, http.StatusTooManyRequests, refusal)
			return
		case sandbox.FaultStatus:
			writeJSON(w, f.Value.Int(http.StatusInternalServerError), refusal)
			return
		case sandbox.FaultHTML:
			h.Set("Content-Type", "text/html; charset=utf-8")
			w.WriteHeader(f.Value.Int(http.StatusBadGateway))
			_, _ = w.Write([]byte("<!doctype html><html><head><title>Access Denied</title></head><body><h1>Access Denied</h1><p>Reference #18.6f64</p></body></html>"))
			return
		case sandbox.FaultDrop:
			answer.ServeHTTP(&kept{header: http.Header{}}, r)
			panic(http.ErrAbortHandler)
		case sandbox.FaultCut:
			cutAnswer(w, r, f.Value.Int(0), answer)
		}
	}
	answer.ServeHTTP(w, r)
}

// cutAnswer sends the first bytes of an answer that promises all of them, and closes the connection.
func cutAnswer(w http.ResponseWriter, r *http.Request, bytes int, answer http.Handler) {
	whole := &kept{header: w.Header()}
	answer.ServeHTTP(whole, r)
	w.Header().Set("Content-Length", strconv.Itoa(whole.body.Len()))
	w.WriteHeader(max(whole.status, http.StatusOK))
	_, _ = w.Write(whole.body.Bytes()[:min(bytes, whole.body.Len())])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// kept is an answer that goes nowhere yet.
type kept struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (k *kept) Header() http.Header         { return k.header }
func (k *kept) WriteHeader(status int)      { k.status = status }
func (k *kept) Write(b []byte) (int, error) { return k.body.Write(b) }

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// token counts every request before anything is decided about it, and shows the faults of whoever it is about. When it
// cannot be counted the database is away, and then the library would call good tokens invalid.
func (b *bank) token(w http.ResponseWriter, r *http.Request) {
	err := b.Bank.CountTokenPost(r.Context(), r.PostFormValue("grant_type"))
	var username string
	if err == nil {
		username, err = b.Bank.Asking(r.Context(), r.PostFormValue("refresh_token"), r.PostFormValue("code"))
	}
	var list []sandbox.Fault
	if err == nil {
		list, err = b.Bank.AnswerFaults(r.Context(), username, true)
	}
	if err != nil {
		b.Log.ErrorContext(r.Context(), "sandbox bank: token endpoint", "error", err)
		w.Header().Set("Retry-After", "5")
		writeJSON(w, http.StatusServiceUnavailable, oidc.ErrServerError())
		return
	}
	show(w, r, list, oidc.ErrServerError(), b.provider)
}

// books are the grant's customer's, as the faults have them.
func (b *bank) booksOf(ctx context.Context, g sandbox.Grant) (*books.Books, time.Time, error) {
	list, err := b.Bank.BooksFaults(ctx, g.Username)
	if err != nil {
		return nil, time.Time{}, err
	}
	own, at := b.shelf.of(g.Username)
	for _, f := range list {
		since := f.SetAt
		if since.After(at) {
			since = at
		}
		switch f.Name {
		case sandbox.FaultPosted:
			own = own.Settled(since)
		case sandbox.FaultTwins:
			own = own.Twinned(since)
		}
	}
	return own, at, nil
}
