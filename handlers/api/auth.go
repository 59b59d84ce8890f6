package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"dashtam/handlers/web"
	"dashtam/services/auth"
	"dashtam/services/jwt"
)

// accepted answers what will be done in its own time.
type accepted struct {
	Status string `json:"status"`
}

// register answers alike for a new and a known address (SU-1): the owner of a known one gets a mail.
func (a *api) register(c echo.Context) error {
	var form struct {
		Name     string `json:"name"`
		Email    string `json:"email"`
		Password string `json:"password"`
	}
	if err := bind(c, &form); err != nil {
		return err
	}
	_, err := a.Auth.Register(c.Request().Context(), web.Actor(c), auth.Registration{Name: form.Name, Email: form.Email, Password: form.Password})
	if err != nil && !errors.Is(err, auth.ErrEmailTaken) {
		return err
	}
	return c.JSON(http.StatusAccepted, accepted{"A mail is on its way. Its link confirms the address."})
}

// grant is what login and refresh answer, by RFC 6749, 5.1.
type grant struct {
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"` // seconds
}

func grantOf(t auth.Tokens) grant {
	return grant{AccessToken: t.Access, RefreshToken: t.Refresh, TokenType: "Bearer", ExpiresIn: int(jwt.Lifetime.Seconds())}
}

func (a *api) login(c echo.Context) error {
	var form struct {
		Email    string `json:"email"`
		Password string `json:"password"`
	}
	if err := bind(c, &form); err != nil {
		return err
	}
	who := web.Actor(c)
	var tokens auth.Tokens
	_, err := a.Auth.Login(c.Request().Context(), who, auth.Credentials{Email: form.Email, Password: form.Password},
		func(ctx context.Context, u auth.User) (err error) {
			tokens, err = a.Auth.CreateRefreshToken(ctx, who, u)
			return err
		})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, grantOf(tokens))
}

func (a *api) refresh(c echo.Context) error {
	var form struct {
		RefreshToken string `json:"refresh_token"`
	}
	if err := bind(c, &form); err != nil {
		return err
	}
	tokens, err := a.Auth.Refresh(c.Request().Context(), web.Actor(c), form.RefreshToken)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, grantOf(tokens))
}

func (a *api) logout(c echo.Context) error {
	if err := a.Auth.EndFamily(c.Request().Context(), web.Actor(c)); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

type person struct {
	ID        uuid.UUID `json:"id"`
	Email     string    `json:"email"`
	Name      string    `json:"name"`
	Role      string    `json:"role"`
	Timezone  string    `json:"timezone"`
	CreatedAt time.Time `json:"created_at"`
}

func (a *api) me(c echo.Context) error {
	u := web.Person(c)
	return c.JSON(http.StatusOK, person{u.ID, u.Email, u.Name, string(u.Role), u.Timezone, u.CreatedAt.UTC()})
}
