package email

import (
	"context"
	"errors"
	"fmt"

	"github.com/riverqueue/river"

	"dashtam/services/actor"
	"dashtam/services/jobs"
)

// Sent is what a done job has put out when its mail was handed over. One that put out nothing had nothing to send any more.
const Sent = "sent"

// Worker carries out jobs.Mail.
type Worker struct {
	river.WorkerDefaults[jobs.Mail]
	Email *Service
}

// Work looks up, writes and sends one mail. An error is tried again by River, unless trying again cannot help.
func (w *Worker) Work(ctx context.Context, job *river.Job[jobs.Mail]) error {
	args := job.Args
	path, known := paths[args.Purpose]
	if !known {
		return river.JobCancel(fmt.Errorf("email: unknown purpose %q", args.Purpose))
	}
	facts, err := w.Email.Linker.MailFacts(ctx, actor.ForJob(args.UserID, args.RequestID), args.Purpose, args.About, job.CreatedAt)
	if errors.Is(err, ErrNoMail) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("email: %w", err)
	}
	m := Message{To: facts.Email, Purpose: args.Purpose}
	letter := Letter{Link: w.Email.BaseURL + path + facts.Token, Valid: facts.Valid, Details: facts.Details}
	if m.Subject, m.Text, m.HTML, err = w.Email.Render(args.Purpose, letter); err != nil {
		return fmt.Errorf("email: writing %s: %w", args.Purpose, err)
	}
	if err = w.Email.Send(ctx, m); err != nil {
		if errors.Is(err, ErrRefused) {
			return river.JobCancel(err)
		}
		return err
	}
	_ = river.RecordOutput(ctx, Sent) // fails only outside of River
	return nil
}
