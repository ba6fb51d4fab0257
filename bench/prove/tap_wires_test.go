package prove_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// postgres carries a connection to PostgreSQL, in its protocol 3 (https://www.postgresql.org/docs/current/protocol.html). What the program
// sends up to a Sync, or as one simple query, is one request; what comes back up to ReadyForQuery is its answer.
func (p *tap) postgres(client, server net.Conn) {
	head := make([]byte, 8)
	if _, err := io.ReadFull(client, head); err != nil {
		return
	}
	rest := make([]byte, binary.BigEndian.Uint32(head)-8)
	if _, err := io.ReadFull(client, rest); err != nil {
		return
	}
	if _, err := server.Write(append(head, rest...)); err != nil {
		return
	}
	s := session{tap: p, client: client, server: server, statements: map[string]string{}}
	both(client, server, s.up, s.down)
}

type session struct {
	*tap
	client, server net.Conn
	line           line
	statements     map[string]string
	within         *transaction
	begun          bool // the first ReadyForQuery has come
}

// frame reads one message of PostgreSQL's protocol.
func frame(r *bufio.Reader) (kind byte, whole []byte, err error) {
	head := make([]byte, 5)
	if _, err = io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	whole = append(head, make([]byte, binary.BigEndian.Uint32(head[1:])-4)...)
	_, err = io.ReadFull(r, whole[5:])
	return head[0], whole, err
}

func (s *session) up() error {
	r := bufio.NewReader(s.client)
	var request []byte
	var statements []string
	for {
		kind, whole, err := frame(r)
		if err != nil {
			return err
		}
		switch kind {
		case 'p', 'X', 'd', 'c', 'f': // a password, the end, and what is copied
			if _, err := s.server.Write(whole); err != nil {
				return err
			}
			continue
		case 'H':
			return errors.New("a Flush would part a request")
		case 'P':
			name, rest, _ := bytes.Cut(whole[5:], []byte{0})
			text, _, _ := bytes.Cut(rest, []byte{0})
			s.statements[string(name)] = string(text)
		case 'B':
			_, rest, _ := bytes.Cut(whole[5:], []byte{0})
			name, _, _ := bytes.Cut(rest, []byte{0})
			statements = append(statements, s.statements[string(name)])
		case 'Q':
			text, _, _ := bytes.Cut(whole[5:], []byte{0})
			statements = append(statements, string(text))
		}
		request = append(request, whole...)
		if kind != 'S' && kind != 'Q' {
			continue
		}
		x := s.exchange(request, statements)
		if x.name != "" && !s.before(x) {
			return errStruck
		}
		s.line.push(x)
		if _, err := s.server.Write(request); err != nil {
			return err
		}
		request, statements = nil, nil
	}
}

// exchange names a request by what it does, and follows transactions.
func (s *session) exchange(request []byte, statements []string) *exchange {
	x := &exchange{request: request, within: s.within}
	for _, text := range statements {
		name, effect := nameOf(text)
		switch {
		case name == "":
		case name == "begin":
			s.within = &transaction{}
			x.within = s.within
		case name == "commit" || name == "rollback":
			if first := s.firstOf(s.within); first != "" {
				x.name, x.effect = name+" of what began with: "+first, s.within.wrote
			}
			s.within = nil
		default:
			if x.name, x.effect = name, effect; s.within != nil {
				s.within.wrote = s.within.wrote || effect
			}
		}
	}
	return x
}

func (p *tap) firstOf(w *transaction) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w == nil {
		return ""
	}
	return w.first
}

func (s *session) down() error {
	r := bufio.NewReader(s.server)
	var answer []byte
	for {
		kind, whole, err := frame(r)
		if err != nil {
			return err
		}
		answer = append(answer, whole...)
		if s.begun && kind != 'Z' && kind != 'A' {
			continue
		}
		if kind == 'Z' && s.begun {
			if x := s.line.pop(); x != nil && x.name != "" && !s.after(x, answer) {
				return errStruck
			}
		}
		s.begun = s.begun || kind == 'Z'
		if _, err := s.client.Write(answer); err != nil {
			return err
		}
		answer = nil
	}
}

// redis carries a connection to Redis (https://redis.io/docs/latest/develop/reference/protocol-spec/).
func (p *tap) redis(client, server net.Conn) {
	var waiting line
	both(client, server, func() error {
		r := bufio.NewReader(client)
		for {
			raw, words, err := command(r)
			if err != nil {
				return err
			}
			name, effect := taskName(words)
			x := &exchange{name: name, request: raw, effect: effect}
			if name != "" && !p.before(x) {
				return errStruck
			}
			if !strings.Contains(strings.ToUpper(words[0]), "SUBSCRIBE") { // which are answered by pushes
				waiting.push(x)
			}
			if _, err := server.Write(raw); err != nil {
				return err
			}
		}
	}, func() error {
		r := bufio.NewReader(server)
		for {
			raw, err := value(r, nil)
			if err != nil {
				return err
			}
			if raw[0] != '>' {
				x := waiting.pop()
				if x != nil && x.name != "" && !bytes.HasPrefix(raw, []byte("-NOSCRIPT")) && !p.after(x, raw) {
					return errStruck
				}
			}
			if _, err := client.Write(raw); err != nil {
				return err
			}
		}
	})
}

// command reads one command.
func command(r *bufio.Reader) (raw []byte, words []string, err error) {
	raw, err = value(r, nil)
	if err != nil {
		return nil, nil, err
	}
	rest := raw[bytes.IndexByte(raw, '\n')+1:]
	for len(rest) > 0 {
		end := bytes.IndexByte(rest, '\n')
		n, err := number(rest[1:end])
		if err != nil || rest[0] != '$' {
			return nil, nil, fmt.Errorf("no command: %q", raw)
		}
		words = append(words, string(rest[end+1:end+1+n]))
		rest = rest[end+1+n+2:]
	}
	return raw, words, nil
}

// value reads one value of RESP 2 or 3, and appends it to what was read before.
func value(r *bufio.Reader, raw []byte) ([]byte, error) {
	head, err := r.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	raw = append(raw, head...)
	switch head[0] {
	case '+', '-', ':', '_', ',', '#', '(':
		return raw, nil
	}
	n, err := number(head[1:])
	if err != nil || n < 0 {
		return raw, err
	}
	switch head[0] {
	case '$', '=', '!':
		body := make([]byte, n+2)
		_, err := io.ReadFull(r, body)
		return append(raw, body...), err
	case '%', '|':
		n *= 2
	}
	for range n {
		if raw, err = value(r, raw); err != nil {
			return nil, err
		}
	}
	return raw, nil
}

// vendor carries a request to a vendor. Each has a connection of its own.
func (p *tap) vendor(client, server net.Conn) {
	var raw bytes.Buffer
	r, err := http.ReadRequest(bufio.NewReader(io.TeeReader(client, &raw)))
	if err != nil {
		return
	}
	if _, err = io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	x := &exchange{name: "ask the vendor", request: raw.Bytes()}
	if r.Method == http.MethodPost {
		x.name, x.effect = "hand the letter to the vendor", true
	}
	if !p.before(x) {
		return
	}
	if _, err = server.Write(raw.Bytes()); err != nil {
		return
	}
	answer, _ := io.ReadAll(server)
	if p.after(x, answer) {
		_, _ = client.Write(answer)
	}
}
