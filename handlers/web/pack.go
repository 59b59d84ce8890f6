package web

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"sync"
)

// packFrom is how many bytes a page must have for compression to be worth its while.
const packFrom = 1400

var packers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is valid
	return w
}}

// pack compresses page when the browser says that the request began here or was typed: a page of figures shrinks to a
// quarter. A request that another site caused is answered plain, so that nobody can make a browser ask for pages that
// repeat a guess and read from their length whether it stands on the page (BREACH).
func pack(h http.Header, r *http.Request, page []byte) []byte {
	h.Add("Vary", "Accept-Encoding, Sec-Fetch-Site")
	from := r.Header.Get("Sec-Fetch-Site")
	if len(page) < packFrom || (from != "same-origin" && from != "none") || !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		return page
	}
	var packed bytes.Buffer
	w := packers.Get().(*gzip.Writer)
	defer packers.Put(w)
	w.Reset(&packed)
	_, _ = w.Write(page) // a buffer does not fail
	_ = w.Close()
	h.Set("Content-Encoding", "gzip")
	return packed.Bytes()
}
