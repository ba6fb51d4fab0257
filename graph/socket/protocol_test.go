package socket_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/mediconnect/mediconnect/graph/socket"
)

func TestQueriesMutationsAndSubscriptionsAreAnswered(t *testing.T) {
	r := newRig(t)
	c := r.connect(`{"Authorization":"Bearer ann"}`)
	c.subscribe("q", "{ me }")
	c.hear(`{"type":"next","id":"q","payload":{"data":{"me":"ann en"}}}`)
	c.hear(`{"type":"complete","id":"q"}`)

	c.subscribe("m", "mutation { wait }")
	<-r.begun
	r.letGo <- struct{}{}
	c.hear(`{"type":"next","id":"m","payload":{"data":{"wait":"done"}}}`)
	c.hear(`{"type":"complete","id":"m"}`)

	c.subscribe("s", "subscription { ticks }")
	<-r.begun
	for _, text := range []string{"one", "two"} {
		r.ticks <- text
		c.hear(`{"type":"next","id":"s","payload":{"data":{"ticks":"` + text + `"}}}`)
	}
	r.ticks <- ""
	c.hear(`{"type":"complete","id":"s"}`)

	c.subscribe("s", "subscription { ticks }") // the id is free again
	<-r.begun
	c.say(`{"id":"s","type":"complete"}`)
	c.subscribe("s", "{ me }")
	c.hear(`{"type":"next","id":"s","payload":{"data":{"me":"ann en"}}}`)
	c.hear(`{"type":"complete","id":"s"}`)
}

func TestNothingFollowsAnError(t *testing.T) {
	r := newRig(t)
	c := r.connect(`{}`)
	for document, code := range map[string]string{
		"{":                       "GRAPHQL_PARSE_FAILED",
		"{ you }":                 "GRAPHQL_VALIDATION_FAILED",
		"":                        "BAD_REQUEST",
		"subscription { never }":  "NOT_FOUND",
		"subscription { broken }": "INTERNAL_SERVER_ERROR",
		"{ boom }":                "INTERNAL_SERVER_ERROR",
		"{ me } query A { me }":   "GRAPHQL_VALIDATION_FAILED",
		"{ a: boom me wait it }":  "GRAPHQL_VALIDATION_FAILED",
	} {
		c.subscribe("1", document)
		c.refused("1", code)
	}
	c.subscribe("1", "subscription { ticks }")
	for started := ""; started != "ticks"; {
		started = <-r.begun
	}
	r.ticks <- "boom"
	c.refused("1", "INTERNAL_SERVER_ERROR")
	c.say(`{"type":"ping"}`)
	c.hear(`{"type":"pong"}`)
}

func TestNothingIsSentOfWhatTheClientHasCompleted(t *testing.T) {
	r := newRig(t)
	c := r.connect(`{}`)
	for range 20 {
		c.subscribe("1", "mutation { wait }")
		<-r.begun
		c.say(`{"id":"1","type":"complete"}`)
		c.say(`{"type":"ping"}`)
		c.hear(`{"type":"pong"}`)
		r.letGo <- struct{}{}
		c.subscribe("2", "{ me }")
		c.hear(`{"type":"next","id":"2","payload":{"data":{"me":" en"}}}`)
		c.hear(`{"type":"complete","id":"2"}`)
	}
}

func TestPingsAreAnsweredWithWhatTheyCarry(t *testing.T) {
	c := newRig(t).dial(nil, protocol)
	c.say(`{"type":"ping","payload":{"at":1}}`) // also before the client has said who it is
	c.hear(`{"type":"pong","payload":{"at":1}}`)
	c.say(`{"type":"pong"}`)
	c.say(`{"type":"pong","payload":{}}`)
	c.say(`{"type":"ping","payload":null}`)
	c.hear(`{"type":"pong"}`)
}

func TestMessagesThatTheProtocolDoesNotKnowEndTheSocket(t *testing.T) {
	r := newRig(t)
	for text, reason := range map[string]string{
		``:                                "Invalid message: it is not one object in JSON",
		`{`:                               "Invalid message: it is not one object in JSON",
		`[]`:                              "Invalid message: it is not one object in JSON",
		`"ping"`:                          "Invalid message: it is not one object in JSON",
		`{"type":"ping"}{"type":"ping"}`:  "Invalid message: it is not one object in JSON",
		`{"type":"ping",}`:                "Invalid message: it is not one object in JSON",
		strings.Repeat(`[`, 50_000):       "Invalid message: it is not one object in JSON",
		"{\"type\":\"ping\xff\"}":         "Invalid message: it is not text in UTF-8",
		`{"type":"ping","type":"pong"}`:   "Invalid message: a key is there twice",
		`{}`:                              "Invalid message: its type is none that a client sends",
		`{"type":1}`:                      "Invalid message: its type is none that a client sends",
		`{"type":"start"}`:                "Invalid message: its type is none that a client sends",
		`{"type":"next"}`:                 "Invalid message: its type is none that a client sends",
		`{"type":"connection_ack"}`:       "Invalid message: its type is none that a client sends",
		`{"type":"complete"}`:             "Invalid message: its id is missing, or no text of 1 to 255 bytes",
		`{"type":"complete","id":1}`:      "Invalid message: its id is missing, or no text of 1 to 255 bytes",
		`{"type":"subscribe"}`:            "Invalid message: its id is missing, or no text of 1 to 255 bytes",
		`{"type":"subscribe","id":""}`:    "Invalid message: its id is missing, or no text of 1 to 255 bytes",
		`{"type":"subscribe","id":"1"}`:   "Invalid message: its payload is missing, or no object",
		`{"type":"ping","payload":"now"}`: "Invalid message: its payload is missing, or no object",
		`{"type":"connection_init","payload":[]}`:                                        "Invalid message: its payload is missing, or no object",
		`{"type":"subscribe","id":"1","payload":"{ me }"}`:                               "Invalid message: its payload is missing, or no object",
		`{"type":"complete","id":"` + strings.Repeat("1", 256) + `"}`:                    "Invalid message: its id is missing, or no text of 1 to 255 bytes",
		`{"type":"ping","payload":{"a":"` + strings.Repeat("1", 1024) + `"}}`:            "Invalid message: its payload is longer than 1 KiB",
		`{"type":"subscribe","id":"1","payload":{"query":"{ me }"},"payload":{"a":"b"}}`: "Invalid message: a key is there twice",
	} {
		c := r.connect(`{}`)
		c.say(text)
		c.closed(4400, reason)
	}
	c := r.connect(`{}`)
	if err := c.conn.Write(t.Context(), websocket.MessageBinary, []byte(`{"type":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	c.closed(4400, "Invalid message: it is not text in UTF-8")
}

func TestWhoDoesNotKeepToTheProtocolIsToldHow(t *testing.T) {
	r := newRig(t)
	for name, try := range map[string]func() *client{
		"4406 Subprotocol not acceptable": func() *client { return r.dial(nil, "graphql-ws") },
		"4401 Unauthorized": func() *client {
			c := r.dial(nil, protocol)
			c.subscribe("1", "{ me }")
			return c
		},
		"4429 Too many initialisation requests": func() *client {
			c := r.connect(`{}`)
			c.say(`{"type":"connection_init"}`)
			return c
		},
		"4409 Subscriber for 1 already exists": func() *client {
			c := r.connect(`{}`)
			c.subscribe("1", "subscription { ticks }")
			<-r.begun
			c.subscribe("1", "{ me }")
			return c
		},
		"1009 ": func() *client {
			c := r.connect(`{}`)
			_ = c.conn.Write(t.Context(), websocket.MessageText, make([]byte, 1<<20)) // it may be cut off
			return c
		},
	} {
		code := int(name[0]-'0')*1000 + int(name[1]-'0')*100 + int(name[2]-'0')*10 + int(name[3]-'0')
		try().closed(code, name[5:])
	}
	r.dial(nil).closed(4406, "Subprotocol not acceptable")
}

func TestALongIDStillFitsIntoACloseFrame(t *testing.T) {
	r := newRig(t)
	c := r.connect(`{}`)
	id := strings.Repeat("ü", 100)
	c.subscribe(id, "subscription { ticks }")
	<-r.begun
	c.subscribe(id, "subscription { ticks }")
	c.closed(4409, "Subscriber for "+strings.Repeat("ü", 30)+"… already exists")
}

func TestWhoDoesNotSayWhoTheyAreInTimeIsClosed(t *testing.T) {
	r := newRig(t, func(h *socket.Handler) { h.Limits.Init = 20 * time.Millisecond })
	r.dial(nil, protocol).closed(4408, "Connection initialisation timeout")
	c := r.dial(nil, protocol)
	c.say(`{"type":"ping"}`) // doesn't count
	c.hear(`{"type":"pong"}`)
	c.closed(4408, "Connection initialisation timeout")
}

func TestPagesOfOtherSitesGetNoSocket(t *testing.T) {
	r := newRig(t)
	_, response, err := websocket.Dial(t.Context(), r.url, &websocket.DialOptions{
		HTTPHeader: http.Header{"Origin": {"https://evil.example.org"}}, Subprotocols: []string{protocol},
	})
	if err == nil || response == nil || response.StatusCode != http.StatusForbidden {
		t.Errorf("got %v, %v", response, err)
	}
	if n := r.Crowd.Count().Inside; n != 0 {
		t.Errorf("%d are connected", n)
	}
}
