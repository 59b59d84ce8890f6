package email

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/sesv2"
)

// ErrOnlyVerified is an SES account that may only write to addresses verified there.
var ErrOnlyVerified = errors.New("email: the account may only write to verified addresses")

// Reach asks whether sender could send, without sending anything. Its error is ErrOnlyVerified or a *SendError.
func Reach(ctx context.Context, sender Sender) error {
	err := sender.Reach(ctx)
	if err == nil || errors.Is(err, ErrOnlyVerified) {
		return err
	}
	return failure(err)
}

// Reach connects, encrypts and signs in as Send does, and hangs up.
func (s *SMTP) Reach(ctx context.Context) error {
	var conn bounded
	defer conn.close()
	server, err := s.client.DialToSMTPClientWithContext(context.WithValue(ctx, connKey{}, &conn))
	if err != nil {
		return errors.Join(smtpSays(err), err)
	}
	_ = server.Quit() // it was reached either way
	return nil
}

// Reach asks how the account stands.
func (s *SES) Reach(ctx context.Context) error {
	account, err := s.client.GetAccount(ctx, new(sesv2.GetAccountInput))
	switch {
	case err != nil:
		return errors.Join(sesSays(err), err)
	case !account.SendingEnabled:
		return errDenied
	case !account.ProductionAccessEnabled:
		return ErrOnlyVerified
	}
	return nil
}

// Reach sees whether the directory, or the one it will be made in, is one.
func (o *Outbox) Reach(context.Context) error {
	info, err := os.Stat(o.dir)
	if errors.Is(err, os.ErrNotExist) {
		info, err = os.Stat(filepath.Dir(o.dir))
	}
	if err == nil && (!info.IsDir() || info.Mode().Perm()&0o300 != 0o300) {
		err = fmt.Errorf("email: nothing can be written to %s", o.dir)
	}
	return err
}
