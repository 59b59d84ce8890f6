package auth

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"dashtam/services/actor"
	"dashtam/services/audit"
	"dashtam/services/errs"
)

// Profile is what a person may change about themselves without proving anything again.
type Profile struct {
	Name      string
	Timezone  string // an IANA name
	Theme     string // system, light or dark
	Shortcuts bool   // whether single keys act as shortcuts
}

// UpdateProfile changes who's own profile. Bad input is Invalid with a sentence per field.
func (s *Service) UpdateProfile(ctx context.Context, who actor.Actor, p Profile) error {
	p.Name = strings.TrimSpace(p.Name)
	wrong := map[string]string{}
	if sentence := checkName(p.Name); sentence != "" {
		wrong["name"] = sentence
	}
	if !knownTheme(p.Theme) {
		wrong["theme"] = "A theme is system, light or dark."
	}
	if _, err := time.LoadLocation(p.Timezone); err != nil || p.Timezone == "" || p.Timezone == "Local" {
		wrong["timezone"] = "This is no time zone. Write it like Europe/Madrid."
	}
	if len(wrong) > 0 {
		return errs.Fields(wrong)
	}
	return s.updateUser(ctx, who, "profile", `name = @name, timezone = @timezone, theme = @theme, shortcuts = @shortcuts`,
		pgx.NamedArgs{"name": p.Name, "timezone": p.Timezone, "theme": p.Theme, "shortcuts": p.Shortcuts})
}

// SetTheme changes only the theme, as the switch on every page does.
func (s *Service) SetTheme(ctx context.Context, who actor.Actor, theme string) error {
	if !knownTheme(theme) {
		return errs.Field("theme", "A theme is system, light or dark.")
	}
	return s.updateUser(ctx, who, "profile.theme", `theme = @theme`, pgx.NamedArgs{"theme": theme})
}

func (s *Service) updateUser(ctx context.Context, who actor.Actor, act, set string, args pgx.NamedArgs) error {
	args["id"] = who.UserID
	err := pgx.BeginFunc(ctx, s.DB, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE users SET `+set+` WHERE id = @id`, args)
		switch {
		case err != nil:
			return err
		case tag.RowsAffected() == 0:
			return ErrNotFound
		}
		return audit.Record(ctx, tx, who, audit.Event{Act: act})
	})
	if err != nil {
		return fmt.Errorf("auth: changing a profile: %w", err)
	}
	return nil
}

func knownTheme(theme string) bool { return theme == "system" || theme == "light" || theme == "dark" }
