package queue_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"

	"github.com/mediconnect/mediconnect/internal/queue"
	"github.com/mediconnect/mediconnect/internal/reminder"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

const secret = "ann.smith@mail.example"

// plant puts in what this release can't read.
func plant(t *testing.T, url string) int {
	t.Helper()
	client := asynq.NewClientFromRedisClient(redistest.Client(t, url))
	id := uuid.NewString()
	ids := `"organization":"` + id + `","id":"` + id + `","generation":0,"channel":"SMS"`
	planted := []*asynq.Task{
		asynq.NewTask("message:sing", []byte(`{"v":1,`+ids+`}`)),
		asynq.NewTask("message:send", []byte(`{"v":2,`+ids+`,"to":"`+secret+`"}`)),
		asynq.NewTask("message:send", []byte(`{"v":1,"to":"`+secret)),
		asynq.NewTask("message:send", nil),
		asynq.NewTask("message:send", []byte(`{"v":1,`+ids+`}`)), // its name is another's
		asynq.NewTask("message:send", []byte(`{"v":1,`+ids+`,"to":"`+strings.Repeat("x", 4<<10)+`"}`)),
		asynq.NewTask("message:send", []byte(`{"v":1,"id":"`+id+`"}`)),
	}
	for _, p := range planted {
		if _, err := client.Enqueue(p, asynq.Queue("sms")); err != nil {
			t.Fatal(err)
		}
	}
	return len(planted)
}

func TestWhatCannotBeReadIsArchivedOnceAndStopsNothing(t *testing.T) {
	t.Parallel()
	url := redistest.NewURL(t)
	said := &log{}
	q := open(t, queue.Options{Redis: queue.Address{URL: url}, Log: slog.New(slog.NewTextHandler(said, nil))})
	n := plant(t, url)
	done := make(chan string, 100)
	serve(t, q, func(_ context.Context, tk reminder.Task, _ queue.Attempt) error { done <- tk.Name(); return nil })
	good := tasks(20, reminder.SMS)
	put(t, q, good...)
	for range good {
		receive(t, "a good task", done)
	}
	await(t, "all are archived", func() bool { all, err := q.Depths(t.Context()); return err == nil && all["sms"].Archived == n })
	kept, err := asynq.NewInspectorFromRedisClient(redistest.Client(t, url)).ListArchivedTasks("sms")
	if err != nil {
		t.Fatal(err)
	}
	why := map[string]int{}
	for _, k := range kept {
		why[k.LastErr]++
	}
	for reason, want := range map[string]int{"type": 1, "version": 1, "malformed": 3, "name": 1, "large": 1} {
		got := 0
		for sentence, times := range why {
			if strings.Contains(sentence, reason) && (reason != "type" || sentence == "unreadable: its type is unknown") {
				got += times
			}
		}
		if got != want {
			t.Errorf("%d times %s, want %d: %v", got, reason, want, why)
		}
	}
	put(t, q, good...)
	for range good {
		receive(t, "a good task", done)
	}
	if strings.Count(said.String(), "can't be read") != n || strings.Contains(said.String(), secret) {
		t.Errorf("of %d is logged: %s", n, said)
	}
	testMonitor(t, q)
}

// testMonitor looks at the archive with what can't be read by the page for administrators.
func testMonitor(t *testing.T, q *queue.Queue) {
	monitor := func(change bool) func(method, path string) (int, string, http.Header) {
		m, err := q.Monitor("/admin/queue", change)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := m.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
		return func(method, path string) (int, string, http.Header) {
			w := httptest.NewRecorder()
			m.ServeHTTP(w, httptest.NewRequest(method, "/admin/queue"+path, nil))
			return w.Code, w.Body.String(), w.Header()
		}
	}
	shows, changes := monitor(false), monitor(true)
	code, index, head := shows("GET", "/")
	script := regexp.MustCompile(`src="/admin/queue(/static/js/main[^"]+)"`).FindStringSubmatch(index)
	if code != http.StatusOK || script == nil || strings.Count(head.Get("Content-Security-Policy"), "'sha256-") != 2 {
		t.Fatalf("the page: %d, %v\n%s", code, head, index)
	}
	if code, text, head := shows("GET", script[1]); code != http.StatusOK || len(text) < 10_000 || !strings.Contains(head.Get("Content-Type"), "javascript") {
		t.Errorf("its script: %d, %d bytes, %v", code, len(text), head)
	}
	if code, text, _ := shows("GET", "/api/queues"); code != http.StatusOK || !strings.Contains(text, `"sms"`) || !strings.Contains(text, `"ehr"`) {
		t.Errorf("queues: %d %s", code, text)
	}
	code, text, _ := shows("GET", "/api/queues/sms/archived_tasks?size=100")
	if code != http.StatusOK || strings.Contains(text, secret) || !strings.Contains(text, "its version is unknown") {
		t.Errorf("the archive: %d %s", code, text)
	}
	for _, asked := range [][2]string{{"POST", "/api/queues/sms:pause"}, {"DELETE", "/api/queues/sms/archived_tasks:delete_all"}, {"DELETE", "/api/queues/sms"}} {
		if code, text, _ := shows(asked[0], asked[1]); code != http.StatusMethodNotAllowed {
			t.Errorf("%v: %d %s", asked, code, text)
		}
	}
	if code, _, _ := shows("GET", "/api/queues/sms/archived_tasks?size=100000"); code != http.StatusBadRequest {
		t.Errorf("a huge page: %d", code)
	}
	if code, text, _ := changes("DELETE", "/api/queues/sms/archived_tasks:delete_all"); code != http.StatusOK {
		t.Errorf("changed: %d %s", code, text)
	}
	if all, err := q.Depths(t.Context()); err != nil || all["sms"].Archived != 0 {
		t.Errorf("after that: %+v, %v", all["sms"], err)
	}
	if _, err := q.Monitor("admin", false); err == nil {
		t.Error("a path without a slash is taken")
	}
}
