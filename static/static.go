package static

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
)

//go:embed *.css *.js *.woff2 *.svg *.png *.webmanifest *.txt
var files embed.FS

// prefix is where the files stand; robots.txt and the icon also stand at the root, where programs look for them.
const prefix = "/static/"

// file is one file as it is sent.
type file struct {
	kind          string // Content-Type
	hash          string // of the content, in hexadecimal
	plain, packed []byte // packed is gzip, nil where that does not help
}

var (
	byName = map[string]*file{} // "app.css"
	byPath = map[string]*file{} // "app.3f9a0c51d2e4.css"
)

// The files that name others come last, so that they can be given the others' addresses.
func init() {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		panic(err) // the files are in the binary
	}
	var naming []string
	for _, e := range entries {
		switch {
		case e.Name() == "input.css":
		case namesOthers(e.Name()):
			naming = append(naming, e.Name())
		default:
			add(e.Name(), nil)
		}
	}
	for _, name := range naming {
		add(name, withAddresses)
	}
}

func namesOthers(name string) bool {
	return path.Ext(name) == ".css" || path.Ext(name) == ".webmanifest"
}

// withAddresses replaces the plain addresses of files already added by those with a hash.
func withAddresses(b []byte) []byte {
	for name := range byName {
		b = bytes.ReplaceAll(b, []byte(prefix+name), []byte(URL(name)))
	}
	return b
}

func add(name string, change func([]byte) []byte) {
	b, err := files.ReadFile(name)
	if err != nil {
		panic(err) // ReadDir just listed it
	}
	if change != nil {
		b = change(b)
	}
	sum := sha256.Sum256(b)
	f := &file{kind: kindOf(name), hash: hex.EncodeToString(sum[:6]), plain: b, packed: pack(b)}
	ext := path.Ext(name)
	byName[name] = f
	byPath[strings.TrimSuffix(name, ext)+"."+f.hash+ext] = f
}

func kindOf(name string) string {
	switch ext := path.Ext(name); ext {
	case ".woff2":
		return "font/woff2"
	case ".webmanifest":
		return "application/manifest+json"
	default:
		return mime.TypeByExtension(ext)
	}
}

// pack is b in gzip, or nil when that saves less than a tenth.
func pack(b []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is valid
	_, _ = w.Write(b)                                       // a buffer does not fail
	_ = w.Close()
	if out.Len() > len(b)*9/10 {
		return nil
	}
	return out.Bytes()
}

// URL is the address of a file that may be kept for ever. A name that does not exist panics: it is a mistake in a
// template, which every test of that page shows.
func URL(name string) string {
	f := byName[name]
	if f == nil {
		panic("static: no file " + name)
	}
	ext := path.Ext(name)
	return prefix + strings.TrimSuffix(name, ext) + "." + f.hash + ext
}

// Handler serves the files under /static/, and robots.txt and favicon.ico at the root. Anything else is a bare 404.
func Handler() http.Handler { return http.HandlerFunc(serve) }

func serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	f, forever := find(r.URL.Path)
	if f == nil {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "no-cache")
	if forever {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body, tag := f.plain, `"`+f.hash+`"`
	if f.packed != nil {
		h.Set("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Values("Accept-Encoding")) {
			body, tag = f.packed, `"`+f.hash+`-gzip"`
			h.Set("Content-Encoding", "gzip")
		}
	}
	h.Set("ETag", tag)
	if matches(r.Header.Get("If-None-Match"), tag) {
		h.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(body) // the reader went away: nobody is left to tell
	}
}

// find returns the file of a path and whether its address can never mean another content.
func find(p string) (f *file, forever bool) {
	switch p {
	case "/robots.txt":
		return byName["robots.txt"], false
	case "/favicon.ico":
		return byName["favicon.svg"], false
	}
	name, ok := strings.CutPrefix(p, prefix)
	if !ok {
		return nil, false
	}
	if f := byPath[name]; f != nil {
		return f, true
	}
	return byName[name], false
}

func acceptsGzip(values []string) bool {
	for value := range strings.SplitSeq(strings.Join(values, ","), ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(value), ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			q, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
			return !ok || strings.Trim(q, "0.") != ""
		}
	}
	return false
}

// matches compares weakly, as RFC 9110 section 13.1.2 asks for If-None-Match.
func matches(header, tag string) bool {
	if header == "*" {
		return true
	}
	return slices.ContainsFunc(strings.Split(header, ","), func(s string) bool {
		return strings.TrimPrefix(strings.TrimSpace(s), "W/") == tag
	})
}
