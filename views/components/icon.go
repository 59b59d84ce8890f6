package components

import (
	"context"
	"embed"
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/a-h/templ"
)

//go:embed icons/*.svg
var iconFiles embed.FS

// icons holds what stands inside each Lucide file's <svg>. The drawing is written into the page instead of being
// referred to: a page has few, compression folds the repeats, and no second request can make them appear late.
var icons = func() map[string]string {
	entries, err := iconFiles.ReadDir("icons")
	if err != nil {
		panic(err) // the files are in the binary
	}
	m := map[string]string{}
	for _, e := range entries {
		b, err := iconFiles.ReadFile("icons/" + e.Name())
		if err != nil {
			panic(err) // ReadDir just listed it
		}
		_, drawing, _ := strings.Cut(string(b), "<svg")
		_, drawing, _ = strings.Cut(drawing, ">")
		drawing, _, _ = strings.Cut(drawing, "</svg>")
		m[strings.TrimSuffix(e.Name(), ".svg")] = strings.ReplaceAll(strings.Join(strings.Fields(drawing), " "), "> <", "><")
	}
	return m
}()

// Icon is a Lucide icon, which says nothing to a screen reader: a word stands beside it, always. An empty class is
// "icon", 16 px; "icon-lg" is 20 px; others stand beside one of these two, which also say how it is drawn.
func Icon(name, class string) templ.Component {
	if class == "" {
		class = "icon"
	}
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		drawing, ok := icons[name]
		if !ok {
			return fmt.Errorf("components: no icon %q", name)
		}
		_, err := fmt.Fprintf(w, `<svg class="%s" viewBox="0 0 24 24" aria-hidden="true">%s</svg>`,
			html.EscapeString(class), drawing)
		return err
	})
}
