package doctor

import (
	"testing"
	"testing/synctest"
)

// A disk that hangs takes no deadline.
func TestWithin_GivesUpWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan bool)
		defer close(hang)
		if c := within(patience, func() Check { <-hang; return Check{State: OK} }); c.State != Fail || c.Do == "" {
			t.Errorf("%+v", c)
		}
		if c := within(patience, func() Check { return Check{State: OK} }); c.State != OK {
			t.Errorf("%+v", c)
		}
	})
}
