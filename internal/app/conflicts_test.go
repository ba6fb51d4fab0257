package app

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/conflict"
)

// journal is a log that a test waits for.
type journal struct {
	mu    sync.Mutex
	lines []string
	wrote chan struct{}
}

func newJournal() *journal { return &journal{wrote: make(chan struct{}, 1000)} }

func (j *journal) Write(line []byte) (int, error) {
	j.mu.Lock()
	j.lines = append(j.lines, string(bytes.TrimSpace(line)))
	j.mu.Unlock()
	j.wrote <- struct{}{}
	return len(line), nil
}

// find waits for a line with all these words.
func (j *journal) find(t *testing.T, words ...string) string {
	t.Helper()
	for {
		j.mu.Lock()
		for _, line := range j.lines {
			all := true
			for _, word := range words {
				all = all && strings.Contains(line, word)
			}
			if all {
				j.mu.Unlock()
				return line
			}
		}
		j.mu.Unlock()
		select {
		case <-j.wrote:
		case <-t.Context().Done():
			t.Fatal("nothing of the kind was logged")
		}
	}
}

func TestAServerThatFallsBackSaysSoAndKeepsItAndGoesOnOnceItIsRearmed(t *testing.T) {
	a, log := newAPI(t), newJournal()
	a.app.frame.Log = slog.New(slog.NewTextHandler(log, nil))
	guard := a.app.harmless.guard
	for range conflict.DefaultLimits().Cases {
		guard.Note(conflict.Comparison{Failed: context.DeadlineExceeded, Took: time.Second})
	}
	if !guard.Tripped() {
		t.Fatal("the guard hasn't tripped")
	}
	log.find(t, "level=ERROR", "fell back", "cause=FAILURES", "failed=20")
}
