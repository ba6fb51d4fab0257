package socket

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// A message that is taken means what another reading of its JSON says.
func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		`{"type":"connection_init","payload":{"token":"ann"}}`, `{"type":"ping"}`, `{"type":"pong","payload":{}}`, `{"id":"1","type":"complete"}`,
		`{"id":"1","type":"subscribe","payload":{"query":"{ me }"}}`, `{"type":"ping","type":"pong"}`, `{"type":"ping","payload":null} `,
		`{"type":"subscribe","id":"1","payload":"{}"}`, `{"type":"next","id":"1"}`, `[{"type":"ping"}]`, `{"type":"ping"}x`, `{"Type":"ping"}`,
		`{"id":"` + strings.Repeat("1", 256) + `","type":"complete"}`, `{"type":"ping","payload":"\ud800"}`, `{"id":"\u0031","type":"complete","id":"2"}`, `{"id":"","type":"complete"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parse(text)
		var whole map[string]json.RawMessage
		if err != nil {
			return
		}
		if !utf8.Valid(text) || json.Unmarshal(text, &whole) != nil || len(whole) != keys(text) {
			t.Fatalf("%q was taken for a message", text)
		}
		var want message
		_ = json.Unmarshal(whole["type"], &want.kind)
		_ = json.Unmarshal(whole["id"], &want.id)
		if m.kind != want.kind || (m.kind == subscribe || m.kind == complete) && (m.id != want.id || m.id == "" || len(m.id) > maxID) {
			t.Fatalf("%q was taken as %+v, not %+v", text, m, want)
		}
		var payload, sent any
		if m.payload != nil && json.Unmarshal(m.payload, &payload) != nil {
			t.Fatalf("%q has a payload that can't be read", text)
		}
		_ = json.Unmarshal(whole["payload"], &sent)
		object, _ := payload.(map[string]any)
		if !reflect.DeepEqual(payload, sent) || (m.payload != nil && object == nil) || (m.kind == subscribe && object == nil) {
			t.Fatalf("%q was taken with the payload %v", text, payload)
		}
		back, err := parse(written(m.kind, m.id, m.payload))
		if err != nil || back.kind != m.kind || back.id != m.id || string(back.payload) != string(m.payload) {
			t.Fatalf("%q comes back as %+v: %v", text, back, err)
		}
	})
}

// keys counts the keys of an object, each as often as it is there.
func keys(text []byte) int {
	n, d := 0, json.NewDecoder(bytes.NewReader(text))
	for depth, key := 0, false; ; {
		token, err := d.Token()
		if err != nil {
			return n
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			key = depth == 1
			continue
		case json.Delim('}'), json.Delim(']'):
			depth--
		default:
			if depth == 1 && key {
				n, key = n+1, false
				continue
			}
		}
		key = key || depth == 1
	}
}
