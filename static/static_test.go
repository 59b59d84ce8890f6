package static

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler().ServeHTTP(w, r)
	return w
}

func TestHandler_KeepsForEverWhatHasAHashOnly(t *testing.T) {
	for path, want := range map[string]string{
		URL("app.css"):       "public, max-age=31536000, immutable",
		"/static/app.css":    "no-cache",
		"/robots.txt":        "no-cache",
		"/favicon.ico":       "no-cache",
		URL("inter.woff2"):   "public, max-age=31536000, immutable",
		"/static/app.00.css": "",
		"/static/input.css":  "",
		"/static/../go.mod":  "",
	} {
		w := get(path)
		if got := w.Header().Get("Cache-Control"); got != want {
			t.Errorf("%s: Cache-Control %q, want %q", path, got, want)
		}
		if found := want != ""; found != (w.Code == http.StatusOK) {
			t.Errorf("%s: status %d", path, w.Code)
		}
	}
}

func TestHandler_SendsTheSameInGzip(t *testing.T) {
	plain, packed := get(URL("app.css")), get(URL("app.css"), "Accept-Encoding", "br, gzip;q=0.5")
	if packed.Header().Get("Content-Encoding") != "gzip" || packed.Header().Get("Vary") != "Accept-Encoding" {
		t.Fatalf("headers %v", packed.Header())
	}
	z, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(b, plain.Body.Bytes()) {
		t.Errorf("gzip holds something else: %v", err)
	}
	if refused := get(URL("app.css"), "Accept-Encoding", "gzip;q=0, *"); refused.Header().Get("Content-Encoding") != "" {
		t.Error("gzip was refused and still came")
	}
	if w := get(URL("inter.woff2"), "Accept-Encoding", "gzip"); w.Header().Get("Content-Encoding") != "" {
		t.Error("a font is compressed already")
	}
}

func TestHandler_AnswersWhatIsStillTrueWithoutABody(t *testing.T) {
	first := get("/static/app.js", "Accept-Encoding", "gzip")
	again := get("/static/app.js", "Accept-Encoding", "gzip", "If-None-Match", "W/"+first.Header().Get("ETag"))
	if again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("status %d with %d bytes", again.Code, again.Body.Len())
	}
	if other := get("/static/app.js", "If-None-Match", first.Header().Get("ETag")); other.Code != http.StatusOK {
		t.Errorf("the tag of the compressed form stands for the plain one too: %d", other.Code)
	}
}

func TestHandler_OnlyReads(t *testing.T) {
	for method, want := range map[string]int{http.MethodHead: 200, http.MethodPost: 405, http.MethodDelete: 405} {
		w := httptest.NewRecorder()
		Handler().ServeHTTP(w, httptest.NewRequest(method, URL("app.js"), nil))
		if w.Code != want || (want == 200 && w.Body.Len() != 0) {
			t.Errorf("%s: %d with %d bytes", method, w.Code, w.Body.Len())
		}
	}
}

// Files that name others must name them by their hash, or a browser keeps asking.
func TestFiles_NameEachOtherByHash(t *testing.T) {
	address := regexp.MustCompile(`/static/[\w.-]+`)
	for _, name := range []string{"app.css", "manifest.webmanifest"} {
		for _, got := range address.FindAllString(string(byName[name].plain), -1) {
			if _, forever := find(got); !forever {
				t.Errorf("%s names %s", name, got)
			}
		}
	}
}

// HD-1: nothing that we serve needs unsafe-inline or unsafe-eval, or asks another origin.
// Break HD-1: static/app.js: add a line  document.body.innerHTML = "";
func TestScript_HD1_EvaluatesNothing(t *testing.T) {
	script := string(byName["app.js"].plain)
	for _, word := range []string{"eval(", "new Function", "innerHTML", "outerHTML", "document.write", "http://", "https://", "localStorage", "sessionStorage"} {
		if strings.Contains(strings.ReplaceAll(script, "http://www.w3.org/2000/svg", ""), word) {
			t.Errorf("app.js holds %s", word)
		}
	}
}
