package pgtest

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

const socket = ".s.PGSQL.5432"

// Proxy stands between a pool and its server and cuts a connection where a commit is on its way, which is the one moment
// at which whoever commits cannot know whether it did.
type Proxy struct {
	URL string // of the database, through the proxy

	server string // the real socket
	mu     sync.Mutex
	next   *cut // nil = none is cut
}

// cut is one connection to be cut.
type cut struct {
	words    string
	arrives  bool
	happened atomic.Bool
}

// NewProxy stands before the database at url until the test ends.
func NewProxy(t testing.TB, url string) *Proxy {
	t.Helper()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	dir, err := os.MkdirTemp("/tmp", "dashtam-cut-")
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(dir, socket))
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		_ = listener.Close()
		_ = os.RemoveAll(dir)
	})
	p := &Proxy{server: filepath.Join(config.Host, socket)}
	// Nothing is prepared ahead, so each statement comes with its words.
	p.URL = strings.NewReplacer("host="+config.Host, "host="+dir, "cache_statement", "cache_describe").Replace(url)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.carry(context.WithoutCancel(t.Context()), client)
		}
	}()
	return p
}

// CutCommit cuts the next connection that commits a transaction in which a statement held words: after the server has
// carried the commit out, so that only its answer is lost, or before the server has heard of it.
func (p *Proxy) CutCommit(words string, arrives bool) (happened func() bool) {
	next := &cut{words: words, arrives: arrives}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.next = next
	return next.happened.Load
}

// take gives the cut that is meant for a transaction with these statements, once.
func (p *Proxy) take(statements string) *cut {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := p.next
	if next == nil || !strings.Contains(statements, next.words) {
		return nil
	}
	p.next = nil
	return next
}

// carry carries one connection.
func (p *Proxy) carry(ctx context.Context, client net.Conn) {
	defer client.Close() //nolint:errcheck // it is over
	server, err := (&net.Dialer{}).DialContext(ctx, "unix", p.server)
	if err != nil {
		return
	}
	defer server.Close() //nolint:errcheck // it is over
	var deaf atomic.Pointer[cut]
	go func() {
		defer client.Close() //nolint:errcheck // it is over
		answer := make([]byte, 1<<16)
		for {
			n, err := server.Read(answer)
			if c := deaf.Load(); c != nil && n > 0 {
				c.happened.Store(true) // committed: this would have been the answer
				return
			}
			if _, failed := client.Write(answer[:n]); failed != nil || err != nil {
				return
			}
		}
	}()
	first, err := read(client) // it has no type
	if err == nil {
		_, err = server.Write(first)
	}
	if err != nil {
		return
	}
	statements := ""
	for {
		kind := make([]byte, 1)
		if _, err := io.ReadFull(client, kind); err != nil {
			return
		}
		body, err := read(client)
		if err != nil {
			return
		}
		if kind[0] == 'Q' || kind[0] == 'P' { // Query, Parse
			text := strings.Trim(string(body[4:]), "\x00")
			switch {
			case strings.HasPrefix(text, "begin"):
				statements = ""
			case text == "commit":
				if c := p.take(statements); c != nil && !c.arrives {
					c.happened.Store(true)
					return
				} else if c != nil {
					deaf.Store(c)
				}
			}
			statements += text
		}
		if _, err := server.Write(append(kind, body...)); err != nil {
			return
		}
	}
}

// read reads a message: its length, which counts itself, and the rest.
func read(from io.Reader) ([]byte, error) {
	head := make([]byte, 4)
	if _, err := io.ReadFull(from, head); err != nil {
		return nil, err
	}
	body := make([]byte, max(4, int(binary.BigEndian.Uint32(head))))
	copy(body, head)
	_, err := io.ReadFull(from, body[4:])
	return body, err
}
