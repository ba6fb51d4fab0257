package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/graph/crowd"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// Who is inside when the process is told to stop gets an answer; who comes later gets none.
func TestStoppingFinishesRequestsUnderWay(t *testing.T) {
	inside, goOn := make(chan struct{}), make(chan struct{})
	api := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(inside)
		<-goOn
		_, _ = io.WriteString(w, "done")
	})
	address, stop, stopped := openDoor(t, api, HTTPSettings{DrainTimeout: 10 * time.Second})
	answered := make(chan string, 1)
	go func() { answered <- get(t, "http://"+address+"/graphql") }()
	<-inside
	stop()
	awaitClosed(t, address)
	close(goOn)
	if got := <-answered; got != "done" {
		t.Errorf("the request under way was answered %q", got)
	}
	if err := <-stopped; err != nil {
		t.Errorf("stopping failed: %v", err)
	}
}

func TestARequestThatNeverEndsDoesNotHoldUpTheStop(t *testing.T) {
	inside, never := make(chan struct{}), make(chan struct{})
	defer close(never)
	api := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(inside)
		<-never
	})
	address, stop, stopped := openDoor(t, api, HTTPSettings{DrainTimeout: 50 * time.Millisecond})
	go func() {
		if response, err := http.Get("http://" + address + "/graphql"); err == nil {
			response.Body.Close()
		}
	}()
	<-inside
	stop()
	select {
	case err := <-stopped:
		if err == nil {
			t.Error("nothing tells that a request was cut off")
		}
	case <-time.After(10 * time.Second):
		t.Error("the stop waits for ever")
	}
}

func TestHealthNeedsNoDatabaseAndHasNoRateLimit(t *testing.T) {
	address, _, _ := openDoor(t, http.NotFoundHandler(), HTTPSettings{Rate: eachMay(6), DrainTimeout: time.Second})
	for range 20 {
		if got := get(t, "http://"+address+"/health"); got != "{\"status\":\"ok\"}\n" {
			t.Fatalf("/health answered %q", got)
		}
	}
}

func openDoor(t *testing.T, api http.Handler, settings HTTPSettings) (address string, stop func(), stopped <-chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &health{
		database: func(ctx context.Context) (postgres.Health, error) {
			t.Error("the database was asked")
			return postgres.Health{}, nil
		},
		clock: clock.System{},
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	d := newDoor(api, h, crowd.New(crowd.Default()), settings, slog.New(slog.DiscardHandler))
	go func() { ended <- d.serve(ctx, l) }()
	return l.Addr().String(), cancel, ended
}

func get(t *testing.T, url string) string {
	response, err := http.Get(url)
	if err != nil {
		t.Errorf("get %s: %v", url, err)
		return ""
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Errorf("read %s: %v", url, err)
	}
	return string(text)
}

func awaitClosed(t *testing.T, address string) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return
		}
		conn.Close()
	}
	t.Error("the door stays open for new callers")
}
