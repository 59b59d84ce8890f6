package errs_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"dashtam/services/errs"
)

func TestUnknownErrorsAreInternalAndSilent(t *testing.T) {
	err := errors.New("dial tcp 10.0.0.1: refused")
	if errs.KindOf(err) != errs.Internal || errs.Message(err) != "" || errs.FieldsOf(err) != nil || errs.RetryAfter(err) != 0 {
		t.Errorf("a foreign error shows something: %v %q", errs.KindOf(err), errs.Message(err))
	}
	if got := errs.Message(errs.New(errs.Internal, "the pool at 10.0.0.1 is gone")); got != "" {
		t.Errorf("an internal error shows its message: %q", got)
	}
}

func TestWrappingKeepsKindAndHidesTheCause(t *testing.T) {
	sentinel := errs.New(errs.NotFound, "There is no such account.")
	err := fmt.Errorf("ledger: %w", sentinel.Because(errors.New("no rows")))
	if !errors.Is(err, sentinel) {
		t.Error("the sentinel no longer matches once it has a cause")
	}
	if errs.KindOf(err) != errs.NotFound || errs.Message(err) != "There is no such account." {
		t.Errorf("kind %v, message %q", errs.KindOf(err), errs.Message(err))
	}
	if sentinel.Cause != nil {
		t.Error("Because changed the sentinel itself")
	}
	if got, want := err.Error(), "ledger: not_found: There is no such account.: no rows"; got != want {
		t.Errorf("log text %q, want %q", got, want)
	}
}

func TestFields(t *testing.T) {
	if errs.Fields(nil) != nil {
		t.Error("no field errors must be no error")
	}
	err := errs.Fields(map[string]string{"email": "This address has no ending such as .com or .org."})
	if errs.KindOf(err) != errs.Invalid || errs.FieldsOf(err)["email"] == "" {
		t.Errorf("%v", err)
	}
	if one := errs.Field("name", "Say what to call it."); one.Fields["name"] != one.Message {
		t.Errorf("%v", one)
	}
	if got := errs.RetryAfter(errs.Retry(errs.RateLimited, "Too many tries.", time.Minute)); got != time.Minute {
		t.Errorf("retry after %v", got)
	}
}
