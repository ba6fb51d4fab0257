package queue

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// words has asynq log by slog, no more than a process that lost its Redis should say. What it tells of its own coming and going is for
// debugging; nothing that it says ends the process.
type words struct {
	log     *slog.Logger
	limit   *rate.Limiter
	dropped atomic.Int64
}

const (
	wordsPerSecond = 0.2
	wordsAtOnce    = 5
	mostWords      = 500 // bytes of a line
)

func newWords(log *slog.Logger) *words {
	return &words{log: log, limit: rate.NewLimiter(wordsPerSecond, wordsAtOnce)}
}

func (w *words) Debug(...any)      {}
func (w *words) Info(args ...any)  { w.say(slog.LevelDebug, args) }
func (w *words) Warn(args ...any)  { w.say(slog.LevelWarn, args) }
func (w *words) Error(args ...any) { w.say(slog.LevelError, args) }
func (w *words) Fatal(args ...any) { w.say(slog.LevelError, args) }

func (w *words) say(level slog.Level, args []any) {
	ctx := context.Background()
	if !w.log.Enabled(ctx, level) {
		return
	}
	if level > slog.LevelDebug && !w.limit.Allow() {
		w.dropped.Add(1)
		return
	}
	text := fmt.Sprint(args...)
	w.log.Log(ctx, level, "asynq", "says", text[:min(len(text), mostWords)], "unsaid", w.dropped.Swap(0))
}
