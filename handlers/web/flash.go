package web

import (
	"context"

	"github.com/labstack/echo/v4"
)

// Tone is the tone of a flash, one of the notices of the look.
type Tone string

// The tones.
const (
	OK   Tone = "ok"
	Note Tone = "info"
	Warn Tone = "warn"
	Slow Tone = "slow" // after a slow sign-in; the notice asks how that felt
)

// The keys a flash has in the session.
const flashText, flashTone = "flash", "flash-tone"

type sessionsKey struct{}

// Flash leaves a sentence for the next page, usually before a Redirect. It stands in the session.
func Flash(c echo.Context, tone Tone, text string) {
	ctx := c.Request().Context()
	if s, ok := ctx.Value(sessionsKey{}).(*Sessions); ok {
		s.scs.Put(ctx, flashText, text)
		s.scs.Put(ctx, flashTone, string(tone))
	}
}

// takeFlash gives the waiting sentence and removes it. Without one the session is not written.
func takeFlash(ctx context.Context) (tone Tone, text string) {
	s, ok := ctx.Value(sessionsKey{}).(*Sessions)
	if !ok || !s.scs.Exists(ctx, flashText) {
		return "", ""
	}
	return Tone(s.scs.PopString(ctx, flashTone)), s.scs.PopString(ctx, flashText)
}
