package postgres_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/postgres"
)

// feed is a process's hub, moved on by hand, and what its streams are made of.
type feed struct {
	live.Streams
	log   *postgres.Log
	store *postgres.AvailabilityStore
}

func (d *desk) newFeed(db *postgres.DB, places availability.Places) *feed {
	store, log, hub := postgres.NewAvailabilityStore(db), postgres.NewLog(db), live.NewHub()
	return &feed{log: log, store: store, Streams: live.Streams{
		Hub: hub, Log: log, Clock: d.clock, Boards: live.NewBoards(store, hub), Search: availability.NewFinder(store, places, d.clock),
	}}
}

// pump hands on whatever is in the log.
func (f *feed) pump(ctx context.Context, last int64) error {
	if f.Hub.At().Epoch == "" {
		head, err := f.log.Head(ctx)
		if err != nil {
			return err
		}
		f.Hub.Begin(head)
	}
	for at := f.Hub.At(); at.Position < last; at = f.Hub.At() {
		entries, next, err := f.log.Read(ctx, at, 500)
		if err != nil {
			return err
		}
		f.Hub.Advance(live.Batch{Epoch: at.Epoch, After: at.Position, Upto: next.Position, Entries: entries})
	}
	return nil
}

// picture is what a client knows: slots by what they are.
type picture map[availability.SlotID]availability.Slot

// watcher is a client who follows slots, and at times comes back with an old cursor.
type watcher struct {
	*asked // the search of one that has it as its scope
	feed   *feed
	scope  live.Scope
	stream live.Stream
	shown  picture
	cursor string
	before []seenAt
}

type seenAt struct {
	cursor string
	shown  picture
}

func (w *watcher) String() string {
	return fmt.Sprintf("%s with %+v as %s %s", w.scopeName(), w.scope, w.by.Kind, w.by.Role)
}

func (w *watcher) scopeName() string {
	switch {
	case w.scope.Providers != nil:
		return "providers"
	case w.scope.Locations != nil:
		return "locations"
	}
	return "search"
}

// window is what pictures are compared over.
func (w *watcher) window() (from, to time.Time) {
	return w.clock.Now().Add(-24 * time.Hour), w.around.AddDate(0, 0, 8)
}

// query is what the API lists.
func (w *watcher) query() picture {
	from, to := w.window()
	found := picture{}
	if w.scope.Search != nil {
		start, end := w.period()
		for _, m := range w.desks() {
			for _, s := range w.slots(m, start, end, nil) {
				if s.Start.Before(to) {
					found[s.SlotID] = s
				}
			}
		}
		return found
	}
	for _, p := range w.people {
		if w.scope.Providers != nil && !slices.Contains(w.scope.Providers, p.provider) {
			continue
		}
		for _, k := range p.kinds {
			page, err := w.openings.Slots(context.Background(), w.by, availability.Listing{
				Provider: p.provider, VisitKind: k.ID, From: from, To: to, Statuses: allStates,
			}, paging.Window{Size: 100_000})
			if err != nil {
				w.Fatal(err)
			}
			for _, s := range page.Items {
				if w.scope.Providers != nil || slices.Contains(w.scope.Locations, w.ref(s.Location)) {
					found[s.SlotID] = s
				}
			}
		}
	}
	return found
}

// begin lists, and follows from there.
func (w *watcher) begin() {
	w.pump()
	cursor, err := w.feed.store.StreamCursor(context.Background(), w.clock.Now())
	if err != nil {
		w.Fatal(err)
	}
	w.shown, w.before = w.query(), nil
	w.follow(cursor)
}

func (w *watcher) pump() {
	if err := w.feed.pump(context.Background(), int64(w.desk.count(`SELECT coalesce(max(position), 0) FROM event_log`))); err != nil {
		w.Fatal(err)
	}
}

func (w *watcher) follow(cursor string) {
	s, err := w.feed.Slots(context.Background(), w.by, w.scope, &cursor)
	if err != nil {
		w.Fatalf("%v: %v", w, err)
	}
	w.stream, w.cursor = s, cursor
	w.before = append(w.before, seenAt{cursor, maps.Clone(w.shown)})
}

// over says that the period of a search is: nobody asks for it any more.
func (w *watcher) over() bool {
	q := w.scope.Search
	return q != nil && q.To != nil && !w.clock.Now().Before(*q.To)
}

// comeBack breaks off and resumes, from the last cursor or from one long ago.
func (w *watcher) comeBack() {
	if w.over() {
		return
	}
	w.stream.Close()
	old := w.before[len(w.before)-1]
	if w.one(2, "from long ago") {
		old = w.before[rapid.IntRange(0, len(w.before)-1).Draw(w.T, "cursor")]
	}
	w.shown = maps.Clone(old.shown)
	w.follow(old.cursor)
}

// silence is the stream of who follows no more.
type silence struct{ live.Stream }

func (silence) Poll(context.Context) (live.Event, error) { return nil, nil }
func (silence) Close()                                   {}

// hear takes in all that there is to be told.
func (w *watcher) hear() {
	for {
		e, err := w.stream.(interface {
			Poll(context.Context) (live.Event, error)
		}).Poll(context.Background())
		if err != nil {
			w.Fatalf("%v: %v", w, err)
		}
		switch e := e.(type) {
		case nil:
			return
		case live.StreamReset:
			if e.Reason != live.RulesChanged {
				w.Fatalf("%v was reset: %s", w, e.Reason)
			}
			if w.over() {
				w.stream, w.shown = silence{}, picture{}
				return
			}
			w.begin()
		case live.SlotsChanged:
			w.merge(e)
			w.before = append(w.before, seenAt{e.Cursor(), maps.Clone(w.shown)})
		}
	}
}

func (w *watcher) merge(e live.SlotsChanged) {
	if len(e.Slots)+len(e.Removed) > 200 {
		w.Fatalf("%v is told of %d slots at once", w, len(e.Slots)+len(e.Removed))
	}
	for _, s := range e.Slots {
		if slices.Contains(e.Removed, s.SlotID) {
			w.Fatalf("%v is told %s, and that it is gone", w, shown(s))
		}
		if s.Version < w.shown[s.SlotID].Version {
			w.Fatalf("%v is told %s after %s", w, shown(s), shown(w.shown[s.SlotID]))
		}
		w.shown[s.SlotID] = s
	}
	for _, id := range e.Removed {
		delete(w.shown, id)
	}
}

// compare says where the picture isn't what is listed.
func (w *watcher) compare(after string) {
	w.pump()
	w.hear()
	from, to := w.window()
	want := w.query()
	var faults []string
	for id, s := range w.shown {
		if _, ok := want[id]; !ok && !s.Start.Before(from) && s.Start.Before(to) {
			faults = append(faults, "too much: "+shown(s))
		}
	}
	for id, s := range want {
		got, ok := w.shown[id]
		told := got
		told.Version = s.Version
		switch {
		case !ok:
			faults = append(faults, "lacking: "+shown(s))
		case shown(told) != shown(s):
			faults = append(faults, shown(got)+" instead of "+shown(s))
		case got.Version > s.Version:
			faults = append(faults, shown(got)+" is younger than "+shown(s))
		}
	}
	if len(faults) > 0 {
		slices.Sort(faults)
		w.Fatalf("after %s, at %v, %v has\n%s", after, w.clock.Now(), w, strings.Join(faults[:min(len(faults), 20)], "\n"))
	}
}

// watchers are clients of every kind of scope.
func (w *town) watchers(f *feed) (list []*watcher) {
	whoever := []access.Actor{access.Nobody("r"), w.FrontDesk(), w.Patient()}
	for _, p := range w.people {
		whoever = append(whoever, p.holders...)
	}
	for range 4 {
		of := w.ask()
		watch := &watcher{asked: &of, feed: f}
		switch rapid.IntRange(0, 3).Draw(w.T, "scope") {
		case 0:
			watch.scope.Search = &of.search
		case 1:
			of.by = rapid.SampledFrom(whoever).Draw(w.T, "watching")
			watch.scope.Locations = []clinic.Ref{rapid.SampledFrom(w.sites).Draw(w.T, "watched").Ref}
		default:
			of.by = rapid.SampledFrom(whoever).Draw(w.T, "watching")
			for _, p := range w.people[rapid.IntRange(0, len(w.people)-1).Draw(w.T, "watched"):] {
				watch.scope.Providers = append(watch.scope.Providers, p.provider)
			}
		}
		list = append(list, watch)
	}
	return list
}
