package api

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"

	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/errs"
)

var errNotJSON = errs.New(errs.Invalid, "Send one JSON object, with Content-Type: application/json.")

// bind reads the body into form, a pointer to a private struct of strings with `json` tags. Names that it does not have
// are passed over (AZ-6). A value of another kind, or text that cannot be stored, is refused with a sentence for its field.
func bind(c echo.Context, form any) error {
	if kind, _, _ := mime.ParseMediaType(c.Request().Header.Get(echo.HeaderContentType)); kind != echo.MIMEApplicationJSON {
		return errNotJSON
	}
	d := json.NewDecoder(c.Request().Body)
	if err := d.Decode(form); err != nil {
		return refusal(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return refusal(err)
	}
	wrong := map[string]string{}
	for field, value := range reflect.ValueOf(form).Elem().Fields() {
		if !web.Storable(value.String()) {
			wrong[field.Tag.Get("json")] = "This holds a character that cannot be kept."
		}
	}
	return errs.Fields(wrong)
}

// refusal is what a body that is not what we read is answered with; one that is too long keeps its own status.
func refusal(err error) error {
	if long, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return long
	}
	if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && kind.Field != "" {
		return errs.Field(kind.Field, "This must be text.")
	}
	return errNotJSON.Because(err)
}
