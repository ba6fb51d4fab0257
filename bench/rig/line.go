package rig

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// Line is an open subscription over a connection of its own.
type Line struct {
	Retry time.Duration // after which an EventSource comes back; 0: the server hasn't said

	next  func() (Told, error)
	close func()
	wire  *wire
}

// Told is what came of a subscription.
type Told struct {
	ID   string // of the event, for who comes back with Last-Event-ID; empty over WebSocket
	Data json.RawMessage
}

// Ended is how a server ends a line on purpose.
type Ended struct {
	Status int // of HTTP, or the code of a WebSocket's close; 0: completed
	Text   string
}

func (e *Ended) Error() string { return fmt.Sprintf("ended with %d: %s", e.Status, e.Text) }

// Next waits for the next event. It fails with an Ended, a TopError for a subscription that is refused or has failed, or with
// whatever became of the connection.
func (l *Line) Next() (Told, error) { return l.next() }

// Close ends the connection without a word, as leaving does.
func (l *Line) Close() { l.close() }

// Cut ends it as a lost network does: the other side is told nothing that it could take for a farewell.
func (l *Line) Cut() { l.wire.cut() }

// wire keeps the one connection that a line uses.
type wire struct {
	mu   sync.Mutex
	conn net.Conn
	gone bool
}

func (w *wire) client() *http.Client {
	var d net.Dialer
	return &http.Client{
		Timeout: 0, // a stream has no end; its context has
		Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := d.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if w.conn = conn; w.gone {
				_ = conn.Close()
			}
			return conn, nil
		}},
	}
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = true
	if tcp, ok := w.conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // a reset
		_ = tcp.Close()
	}
}

const longestMessage = 4 << 20

// Socket subscribes over graphql-transport-ws.
func (c Client) Socket(ctx context.Context, document string, variables any) (*Line, error) {
	w := &wire{}
	conn, response, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(c.Server.URL, "http")+"/graphql", &websocket.DialOptions{
		HTTPClient: w.client(), Subprotocols: []string{"graphql-transport-ws"},
	})
	if err != nil {
		if response != nil && response.StatusCode != http.StatusSwitchingProtocols {
			return nil, &Ended{Status: response.StatusCode}
		}
		return nil, err
	}
	conn.SetReadLimit(longestMessage)
	s := socket{ctx: ctx, conn: conn}
	l := &Line{wire: w, next: s.next, close: func() { _ = conn.CloseNow() }}
	if err := s.begin(c.Token, document, variables); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

type socket struct {
	ctx  context.Context
	conn *websocket.Conn
}

func (s socket) begin(token, document string, variables any) error {
	hello := object{}
	if token != "" {
		hello["Authorization"] = "Bearer " + token
	}
	if err := s.send(object{"type": "connection_init", "payload": hello}); err != nil {
		return err
	}
	if kind, _, err := s.read(); err != nil || kind != "connection_ack" {
		return errors.Join(err, fmt.Errorf("%q where connection_ack was to come", kind))
	}
	return s.send(object{"type": "subscribe", "id": "1", "payload": object{"query": document, "variables": variables}})
}

func (s socket) send(message object) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return s.conn.Write(s.ctx, websocket.MessageText, text)
}

func (s socket) read() (kind string, payload json.RawMessage, err error) {
	_, text, err := s.conn.Read(s.ctx)
	if closed, ok := errors.AsType[websocket.CloseError](err); ok {
		return "", nil, &Ended{Status: int(closed.Code), Text: closed.Reason}
	}
	if err != nil {
		return "", nil, err
	}
	var message struct {
		Type    string
		Payload json.RawMessage
	}
	err = json.Unmarshal(text, &message)
	return message.Type, message.Payload, err
}

func (s socket) next() (Told, error) {
	for {
		kind, payload, err := s.read()
		switch {
		case err != nil:
			return Told{}, err
		case kind == "next":
			var data json.RawMessage
			err := Read(payload, &data)
			return Told{Data: data}, err
		case kind == "error":
			return Told{}, refused(payload)
		case kind == "complete":
			return Told{}, &Ended{}
		case kind == "ping":
			if err := s.send(object{"type": "pong"}); err != nil {
				return Told{}, err
			}
		}
	}
}

// refused reads a list of errors.
func refused(list json.RawMessage) error {
	text, err := json.Marshal(object{"errors": list})
	if err != nil {
		return err
	}
	return Read(text, nil)
}

// Events subscribes by POST, as graphql-sse does.
func (c Client) Events(ctx context.Context, document string, variables any) (*Line, error) {
	body, err := json.Marshal(object{"query": document, "variables": variables})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Server.URL+"/graphql", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	return events(request)
}

// EventSource subscribes by GET as a browser's EventSource does: without a token, perhaps with a ticket, and with the id of the last event
// that came, if any has.
func (c Client) EventSource(ctx context.Context, document string, variables any, ticket, last string) (*Line, error) {
	text, err := json.Marshal(variables)
	if err != nil {
		return nil, err
	}
	parameters := url.Values{"query": {document}, "variables": {string(text)}}
	if ticket != "" {
		parameters.Set("ticket", ticket)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.Server.URL+"/graphql?"+parameters.Encode(), nil)
	if err != nil {
		return nil, err
	}
	if last != "" {
		request.Header.Set("Last-Event-ID", last)
	}
	return events(request)
}

func events(request *http.Request) (*Line, error) {
	w := &wire{}
	request.Header.Set("Accept", "text/event-stream")
	response, err := w.client().Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(response.Body, longestMessage))
		return nil, &Ended{Status: response.StatusCode, Text: string(text)}
	}
	l := &Line{wire: w, close: func() { _ = response.Body.Close() }}
	lines := bufio.NewReader(response.Body)
	l.next = func() (Told, error) { return l.event(lines) }
	return l, nil
}

// event reads the next event of a stream: lines of a field and its value, up to an empty one.
func (l *Line) event(lines *bufio.Reader) (told Told, err error) {
	var kind string
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return Told{}, err
		}
		field, value, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			kind = value
		case "id":
			told.ID = value
		case "data":
			told.Data = append(told.Data, value...)
		case "retry":
			ms, err := strconv.Atoi(value)
			if err != nil {
				return Told{}, err
			}
			l.Retry = time.Duration(ms) * time.Millisecond
		}
		switch {
		case line != "\n" || kind == "":
		case kind == "complete":
			return Told{}, &Ended{}
		default:
			err := Read(told.Data, &told.Data)
			return told, err
		}
	}
}
