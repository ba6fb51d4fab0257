package socket

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// The messages of the protocol.
const (
	connectionInit = "connection_init"
	connectionAck  = "connection_ack"
	pinging        = "ping"
	ponging        = "pong"
	subscribe      = "subscribe"
	nextMessage    = "next"
	errorMessage   = "error"
	complete       = "complete"
)

// message is what a client sends.
type message struct {
	kind    string
	id      string
	payload json.RawMessage // an object; nil: none
}

const (
	maxID   = 255     // bytes
	maxEcho = 1 << 10 // bytes of a ping's or a pong's payload
)

// What is wrong with a message. The words end up in the close frame, so that they are short and repeat nothing.
var (
	errNotText    = errors.New("it is not text in UTF-8")
	errNotJSON    = errors.New("it is not one object in JSON")
	errRepeated   = errors.New("a key is there twice")
	errType       = errors.New("its type is none that a client sends")
	errID         = errors.New("its id is missing, or no text of 1 to 255 bytes")
	errPayload    = errors.New("its payload is missing, or no object")
	errEchoTooBig = errors.New("its payload is longer than 1 KiB")
)

// parse reads a message. Keys that the protocol doesn't know are passed over.
func parse(text []byte) (message, error) {
	if !utf8.Valid(text) {
		return message{}, errNotText
	}
	keys, err := object(text)
	if err != nil {
		return message{}, err
	}
	var m message
	if json.Unmarshal(keys["type"], &m.kind) != nil {
		return message{}, errType
	}
	if p := keys["payload"]; p != nil && !bytes.Equal(p, []byte("null")) {
		m.payload = p
	}
	return m, m.check(keys["id"])
}

// object reads the keys of one object, and nothing after it.
func object(text []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, errNotJSON
	}
	keys := map[string]json.RawMessage{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errNotJSON
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return nil, errNotJSON
		}
		key, _ := name.(string)
		if _, repeated := keys[key]; repeated {
			return nil, errRepeated
		}
		keys[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, errNotJSON
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errNotJSON
	}
	return keys, nil
}

func (m *message) check(id json.RawMessage) error {
	switch m.kind {
	case connectionInit:
	case pinging, ponging:
		if len(m.payload) > maxEcho {
			return errEchoTooBig
		}
	case subscribe, complete:
		if json.Unmarshal(id, &m.id) != nil || m.id == "" || len(m.id) > maxID {
			return errID
		}
		if m.kind == subscribe && m.payload == nil {
			return errPayload
		}
	default:
		return errType
	}
	if m.payload != nil && m.payload[0] != '{' {
		return errPayload
	}
	return nil
}

// written puts a message to a client into JSON. The payload is JSON already; nil: none.
func written(kind, id string, payload []byte) []byte {
	text := append(make([]byte, 0, len(payload)+len(id)+roomAround), `{"type":"`...)
	text = append(append(text, kind...), '"')
	if id != "" {
		name, _ := json.Marshal(id) // text always can be
		text = append(append(text, `,"id":`...), name...)
	}
	if payload != nil {
		text = append(append(text, `,"payload":`...), payload...)
	}
	return append(text, '}')
}

// roomAround is for what stands around a payload.
const roomAround = 64
