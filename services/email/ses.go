package email

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
)

// SES sends through AWS Simple Email Service v2.
type SES struct {
	from   string
	client *sesv2.Client
}

// OpenSES finds credentials by AWS's usual chain (environment, files, instance role). endpoint is empty but for servers
// that stand in for AWS.
func OpenSES(ctx context.Context, region, endpoint, from string) (*SES, error) {
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(region))
	if err != nil {
		return nil, fmt.Errorf("email: the AWS configuration: %w", err)
	}
	return NewSES(cfg, endpoint, from), nil
}

// NewSES makes an SES of a configuration that is already there. It does no I/O.
func NewSES(cfg aws.Config, endpoint, from string) *SES {
	return &SES{from, sesv2.NewFromConfig(cfg, func(o *sesv2.Options) {
		o.RetryMaxAttempts = 1 // the job is the retry
		if endpoint != "" {
			o.BaseEndpoint = aws.String(endpoint)
		}
	})}
}

// Send hands m to SES. A rejected mail is ErrRefused, unless it is rejected because our own address is not verified there.
func (s *SES) Send(ctx context.Context, m Message) error {
	msg, err := compose(s.from, m)
	if err != nil {
		return err
	}
	raw, err := encode(msg, "\r\n")
	if err != nil {
		return err
	}
	_, err = s.client.SendEmail(ctx, &sesv2.SendEmailInput{
		FromEmailAddress: aws.String(s.from),
		Destination:      &types.Destination{ToAddresses: []string{m.To}},
		Content:          &types.EmailContent{Raw: &types.RawMessage{Data: raw}},
	})
	if err == nil {
		return nil
	}
	return errors.Join(sesSays(err), err)
}

// sesSays puts what SES answers into our terms; nil where it needs none.
func sesSays(err error) error {
	if answer, rejected := errors.AsType[*types.MessageRejected](err); rejected {
		if strings.Contains(answer.ErrorMessage(), "not verified") {
			return errDenied
		}
		return ErrRefused
	}
	if _, bad := errors.AsType[*types.BadRequestException](err); bad {
		return ErrRefused
	}
	answer, ok := errors.AsType[*awshttp.ResponseError](err)
	if !ok {
		return nil
	}
	switch answer.HTTPStatusCode() {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		return errBusy
	case http.StatusUnauthorized, http.StatusForbidden:
		return errDenied
	}
	return nil
}
