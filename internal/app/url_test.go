package app

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// What a real connection is sent, byte by byte: neither a header of the answer nor a line of the log is made of it.
func TestBytesInARequestIdMakeNoHeaderAndNoLine(t *testing.T) {
	a := newAPI(t)
	f := a.opened(t, HTTPSettings{DrainTimeout: 10 * time.Second})
	for _, id := range []string{"x\r\n X-Evil: 1", "x\r\n\tX-Evil: 1", "x\nX-Evil: 1\n", "x\rX-Evil: 1", "x%0d%0aX-Evil: 1", "x\x00X-Evil", "x\xc4\x8dX-Evil", strings.Repeat("Evil", 10_000)} {
		conn, err := net.Dial("tcp", f.address)
		if err != nil {
			t.Fatal(err)
		}
		if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "GET /graphql?query=%7Bviewer%7Bkind%7D%7D HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-Request-Id: "+id+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(conn)
		_ = conn.Close()
		if err != nil || !strings.HasPrefix(string(said), "HTTP/1.1 ") || strings.Contains(string(said), "Evil") {
			t.Errorf("%.60q is answered with %q, %v", id, said, err)
		}
	}
	f.stop()
	if err := <-f.stopped; err != nil {
		t.Error(err)
	}
	if lines := f.logs.String(); strings.Contains(lines, "Evil") || strings.Contains(lines, "viewer%7B") || !strings.Contains(lines, `"route":"/graphql"`) {
		t.Errorf("the log says %.1000s", lines)
	}
}
