package prove_test

import (
	"bytes"
	"encoding/json"
	"sync"
	"time"
)

// ear hears what workers log.
type ear struct {
	mu   sync.Mutex
	rest []byte
	said map[string][]time.Time // by the words
}

// Write takes lines of JSON. One that a kill cuts off is passed over.
func (e *ear) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.rest = append(e.rest, p...)
	for {
		line, rest, whole := bytes.Cut(e.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		e.rest = rest
		e.hear(line)
	}
}

func (e *ear) hear(line []byte) {
	var said struct {
		Time       time.Time
		Level, Msg string
		Job, Error string
	}
	if json.Unmarshal(line, &said) != nil {
		return
	}
	if e.said == nil {
		e.said = map[string][]time.Time{}
	}
	words := said.Level + " " + said.Msg
	if said.Job != "" {
		words += ": " + said.Job
	}
	if said.Error != "" {
		words += ": " + said.Error[:min(len(said.Error), 100)]
	}
	e.said[words] = append(e.said[words], said.Time)
}

// heard are the words that were said, with how often.
func (e *ear) heard() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	all := map[string]int{}
	for words, times := range e.said {
		all[words] = len(times)
	}
	return all
}
