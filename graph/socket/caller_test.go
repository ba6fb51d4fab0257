package socket_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/graph/socket"
)

func TestATokenIsTakenFromWhereClientsPutIt(t *testing.T) {
	r := newRig(t, func(h *socket.Handler) {
		h.Crowd = crowd.New(crowd.Limits{Total: 100, Client: 100, Address: 100})
	})
	bearing := http.Header{"Authorization": {"Bearer ann"}, "Accept-Language": {"de-AT"}}
	for _, try := range []struct {
		header  http.Header
		payload string
		want    string // empty: refused
	}{
		{nil, `{"Authorization":"Bearer ann"}`, "ann en"},
		{nil, `{"authorization":"bearer ann"}`, "ann en"},
		{nil, `{"token":"ann"}`, "ann en"},
		{nil, `{"authToken":"Bearer ann"}`, "ann en"},
		{nil, `{"headers":{"Authorization":"Bearer ann"}}`, "ann en"},
		{nil, `{"token":"ann","Authorization":"Bearer ann","other":1}`, "ann en"},
		{nil, `{}`, " en"},
		{nil, `null`, " en"},
		{nil, `{"token":null,"Authorization":""}`, " en"},
		{bearing, `{}`, "ann de-AT"},
		{bearing, `{"token":"ann"}`, "ann de-AT"},
		{bearing, `{"token":"bob"}`, ""},
		{http.Header{"Authorization": {"Basic ann"}}, `{}`, ""},
		{nil, `{"token":"ann","Authorization":"Bearer bob"}`, ""},
		{nil, `{"Authorization":"ann"}`, ""},
		{nil, `{"Authorization":"Bearer undefined"}`, ""},
		{nil, `{"token":7}`, ""},
		{nil, `{"token":"ann","token":"bob"}`, ""},
		{nil, `{"Token":"ann"}`, " en"},
		{nil, `{"role":"ADMIN","roles":["ADMIN"],"scopes":["platform:admin"],"userId":"bob","X-Role":"ADMIN","headers":{"X-User-Id":"bob"}}`, " en"},
		{nil, `{"token":"ann","sub":"bob","id":"bob"}`, "ann en"},
		{nil, `{"token":"eve"}`, ""},
	} {
		c := r.dial(try.header, protocol)
		c.say(`{"type":"connection_init","payload":` + try.payload + `}`)
		if try.want == "" {
			c.closed(4403, "")
			continue
		}
		c.hear(`{"type":"connection_ack"}`)
		c.subscribe("1", "{ me }")
		c.hear(`{"type":"next","id":"1","payload":{"data":{"me":"` + try.want + `"}}}`)
	}
}

func TestASocketEndsWhenItsTokenDoes(t *testing.T) {
	r := newRig(t)
	ann := r.tokens["ann"]
	ann.expires = time.Now().Add(100 * time.Millisecond)
	r.tokens["ann"] = ann
	c := r.connect(`{"token":"ann"}`)
	c.subscribe("1", "subscription { ticks }")
	<-r.begun
	c.closed(4403, "Forbidden: the token has expired")
	if time.Now().Before(ann.expires) {
		t.Error("the socket was closed before the token had expired")
	}
}

func TestAClientHasSoManySocketsAndOthersHaveTheirs(t *testing.T) {
	r := newRig(t, func(h *socket.Handler) {
		h.Crowd = crowd.New(crowd.Limits{Total: 4, Client: 1, Address: 3})
	})
	r.connect(`{"token":"ann"}`)
	second := r.dial(nil, protocol)
	second.say(`{"type":"connection_init","payload":{"token":"ann"}}`)
	second.closed(1013, "Too many sockets of this client")
	await(t, "its place to be free", func() bool { return r.Crowd.Count().Inside == 1 })
	r.connect(`{"token":"bob"}`)
	for range 2 {
		r.connect(`{}`)
	}
	if status := r.rejected(); status != http.StatusServiceUnavailable {
		t.Errorf("beyond what the process holds a socket was answered %d", status)
	}
}
