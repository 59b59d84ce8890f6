package hashpool

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"dashtam/services/errs"
	"dashtam/services/password"
)

// What goes over the pipe to a worker and back. A request is an operation and two texts, an answer a status and one; a
// text is its length in four bytes, big-endian, and its bytes.
const (
	opHash   byte = 'h' // a password; the answer is its hash
	opVerify byte = 'v' // a password and a hash; yes or no

	statusReady byte = 'r' // once, before the first request
	statusYes   byte = 'y' // for a hash: it is the text
	statusNo    byte = 'n'
	statusField byte = 'f' // the text says what is wrong with the password
	statusError byte = 'e'

	// maxText is more than any password or hash that is worth asking about.
	maxText = 64 << 10
)

type request struct {
	op               byte
	password, hashed string
}

type answer struct {
	status byte
	text   string
}

var errWorker = errors.New("hashpool: the worker could not hash")

// hash is the outcome of opHash.
func (a answer) hash() (string, error) {
	switch a.status {
	case statusYes:
		return a.text, nil
	case statusField:
		return "", errs.Field("password", a.text)
	}
	return "", errWorker
}

// write sends r in one piece. Its buffer held a password and is wiped.
func (r request) write(w io.Writer) error {
	frame := make([]byte, 0, 1+4+len(r.password)+4+len(r.hashed))
	frame = append(frame, r.op)
	frame = appendText(appendText(frame, r.password), r.hashed)
	defer clear(frame)
	_, err := w.Write(frame)
	return err
}

func (a answer) write(w io.Writer) error {
	_, err := w.Write(appendText([]byte{a.status}, a.text))
	return err
}

func appendText(frame []byte, text string) []byte {
	return append(binary.BigEndian.AppendUint32(frame, uint32(len(text))), text...)
}

func readAnswer(r *bufio.Reader) (answer, error) {
	status, err := r.ReadByte()
	if err != nil {
		return answer{}, err
	}
	text, err := readText(r)
	return answer{status, string(text)}, err
}

func readText(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(size[:])
	if n > maxText {
		return nil, fmt.Errorf("hashpool: a text of %d bytes", n)
	}
	text := make([]byte, n)
	_, err := io.ReadFull(r, text)
	return text, err
}

// Work is the whole life of a worker process: it answers requests from in until there are none, which is when the
// process that started it ends or lets go of it. It first makes itself the least important process there is
// (belowEverybody).
func Work(ctx context.Context, p *password.Service, in io.Reader, out io.Writer) error {
	belowEverybody()
	debug.FreeOSMemory() // what starting the program took is half of what a worker would hold for good
	return serve(ctx, p, bufio.NewReader(in), out)
}

func serve(ctx context.Context, p *password.Service, in *bufio.Reader, out io.Writer) error {
	if _, err := out.Write([]byte{statusReady}); err != nil {
		return err
	}
	for ctx.Err() == nil {
		a, err := next(p, in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := a.write(out); err != nil {
			return err
		}
	}
	return nil
}

// next reads a request and carries it out. Of the password no more is kept than the garbage collector has not taken yet.
func next(p *password.Service, in *bufio.Reader) (answer, error) {
	op, err := in.ReadByte()
	if err != nil {
		return answer{}, err
	}
	plain, err := readText(in)
	if err != nil {
		return answer{}, fmt.Errorf("hashpool: a request ended early: %w", err)
	}
	defer clear(plain)
	hashed, err := readText(in)
	if err != nil {
		return answer{}, fmt.Errorf("hashpool: a request ended early: %w", err)
	}
	switch op {
	case opVerify:
		if p.VerifyPassword(string(plain), string(hashed)) {
			return answer{status: statusYes}, nil
		}
		return answer{status: statusNo}, nil
	case opHash:
		return hashAnswer(p.HashPassword(string(plain))), nil
	}
	return answer{}, fmt.Errorf("hashpool: unknown operation %q", op)
}

func hashAnswer(hashed string, err error) answer {
	if err == nil {
		return answer{statusYes, hashed}
	}
	if sentence := errs.FieldsOf(err)["password"]; sentence != "" {
		return answer{statusField, sentence}
	}
	return answer{status: statusError}
}
