package web

import (
	"mime"
	"net/http"
	"net/url"
	"reflect"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"dashtam/services/errs"
)

// MaxBody is how many bytes a request's body may have (RL-5).
const MaxBody = 64 << 10

// ErrNoPage is what a malformed id in a path answers: the same as a missing one and somebody else's.
var ErrNoPage = errs.New(errs.NotFound, "There is no such page.")

// errNotAForm answers a body that no form of ours sends.
var errNotAForm = errs.New(errs.Invalid, "The form arrived in a way we cannot read.")

// Bind reads the posted form into form, a pointer to a private struct whose string and bool fields carry `form` tags, so
// that a field nobody named there cannot be set (AZ-6). Nothing is taken from the query. A checkbox is true when it was
// sent. Text that cannot be stored is refused, with a sentence per field; the other fields are still filled in.
func Bind(c echo.Context, form any) error {
	values, err := posted(c.Request())
	if err != nil {
		return err
	}
	refused := map[string]string{}
	target := reflect.ValueOf(form).Elem()
	for i := range target.NumField() {
		name := target.Type().Field(i).Tag.Get("form")
		switch value := values.Get(name); {
		case name == "":
		case !Storable(value):
			refused[name] = "This holds a character that cannot be kept."
		case target.Field(i).Kind() == reflect.Bool:
			target.Field(i).SetBool(values.Has(name))
		default:
			target.Field(i).SetString(value)
		}
	}
	return errs.Fields(refused)
}

// posted is what the body holds, empty without one.
func posted(r *http.Request) (url.Values, error) {
	if r.ContentLength == 0 {
		return url.Values{}, nil
	}
	var err error
	switch kind, _, _ := mime.ParseMediaType(r.Header.Get(echo.HeaderContentType)); kind {
	case echo.MIMEApplicationForm:
		err = r.ParseForm()
	case echo.MIMEMultipartForm:
		err = r.ParseMultipartForm(MaxBody)
	default:
		return nil, errNotAForm
	}
	if err != nil && !tooLarge(err) {
		err = errNotAForm.Because(err)
	}
	return r.PostForm, err
}

// ID is the id that stands in the path under name. Only the canonical form counts, so that a page has one address.
func ID(c echo.Context, name string) (uuid.UUID, error) {
	raw := c.Param(name)
	id, err := uuid.Parse(raw)
	if err != nil || id.String() != raw {
		return uuid.Nil, ErrNoPage
	}
	return id, nil
}
