package resolvers_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mediconnect/mediconnect/graph"
	"github.com/mediconnect/mediconnect/graph/caller"
	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/limits"
	"github.com/mediconnect/mediconnect/graph/presenter"
	"github.com/mediconnect/mediconnect/graph/stream"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/live"
	"github.com/mediconnect/mediconnect/resolvers"
)

// script is a stream that tells what it is given, and then ends as it is told to.
type script struct {
	events []live.Event
	last   func() error
	begun  func() // called before each event; nil: not
	again  func() // called when an event is to be told again; nil: not
	told   live.Event
	closed bool
}

func (s *script) Next(context.Context) (live.Event, error) {
	if s.begun != nil {
		s.begun()
	}
	if len(s.events) == 0 {
		return nil, s.last()
	}
	e := s.events[0]
	s.events, s.told = s.events[1:], e
	return e, nil
}

func (s *script) Again() {
	s.events = append([]live.Event{s.told}, s.events...)
	if s.again != nil {
		s.again()
	}
}

func (s *script) Close() { s.closed = true }

type liveRoom struct{ script *script }

func (l liveRoom) Slots(context.Context, access.Actor, live.Scope, *string) (live.Stream, error) {
	return l.script, nil
}

func (l liveRoom) Appointments(context.Context, access.Actor, *clinic.Ref, *string) (live.Stream, error) {
	return l.script, nil
}

func (l liveRoom) Offers(context.Context, access.Actor, *string) (live.Stream, error) {
	return l.script, nil
}

func ended() error { return io.EOF }

// pulled are the answers of a subscription to a script, and its driver.
func pulled(t *testing.T, r *rooms, s *script, document string) ([]*graphql.Response, *stream.Driver) {
	t.Helper()
	of := services(r)
	of.Live = liveRoom{s}
	log := slog.New(slog.DiscardHandler)
	exec := graph.Deps{
		Schema:  resolvers.Schema(&resolvers.Resolver{Services: of, Unshown: presenter.Presenter{Log: log}}),
		Loaders: loaders(r), Records: &r.records, Limits: limits.Default(), Log: log,
	}.Executor()
	who := access.Actor{Kind: access.Staff, ID: id(9), Role: access.Admin, Organization: r.organization.ID, Scopes: access.ScopesOf(access.Admin)}
	by, _ := caller.Desk{}.As(httptest.NewRequest("GET", "/graphql", nil), who, time.Time{})
	ctx := graphql.StartOperationTrace(viewer.With(t.Context(), by.Viewer(ownID)))
	op, faults := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: document})
	if faults != nil {
		t.Fatal(faults)
	}
	ctx, driver := stream.With(ctx)
	responses, ctx := exec.DispatchOperation(ctx, op)
	defer driver.Close()
	var answers []*graphql.Response
	for driver.Await(ctx) {
		answer := responses(ctx)
		if answer == nil {
			break
		}
		kept := *answer
		kept.Data = append([]byte{}, answer.Data...)
		answers = append(answers, &kept)
	}
	if err := driver.Err(); err != nil {
		answers = append(answers, exec.DispatchError(ctx, gqlerror.List{{Message: err.Error(), Err: err}}))
	}
	return answers, driver
}

// mainStreet is the rooms' location as a scope.
var mainStreet = `{locationIds: ["` + globalid.Of(globalid.Location, clinic.Ref{Organization: id(1), ID: id(2)}) + `"]}`

var watchSlots = `subscription { slots: availabilityChanged(scope: ` + mainStreet + `) { __typename ... on SlotsChanged { slots { provider { name } } } } }`

func place() live.Place { return live.Place{At: live.Cursor{Epoch: "one", Position: 7}, When: start} }

func TestAStreamThatFailsOrPanicsSaysSoOnceAndEnds(t *testing.T) {
	for name, last := range map[string]func() error{
		"fails":  func() error { return errors.New("SELECT secret FROM hidden") },
		"panics": func() error { panic("SELECT secret FROM hidden") },
	} {
		s := &script{events: []live.Event{live.StreamReady{Place: place()}}, last: last}
		answers, driver := pulled(t, open(), s, watchSlots)
		if len(answers) != 2 || string(answers[0].Data) != `{"slots":{"__typename":"StreamReady"}}` {
			t.Fatalf("a stream that %s answers %v", name, answers)
		}
		told := answers[1].Errors
		if len(told) != 1 || told[0].Message != "Internal error." || told[0].Extensions["code"] != presenter.InternalServerError ||
			told[0].Extensions["requestId"] != ownID || len(answers[1].Data) > 0 {
			t.Errorf("a stream that %s says %v", name, told)
		}
		if driver.Err() == nil || !s.closed {
			t.Errorf("a stream that %s is left open, or its driver says %v", name, driver.Err())
		}
	}
	s := &script{events: []live.Event{live.StreamReady{Place: place()}}, last: ended}
	if answers, driver := pulled(t, open(), s, watchSlots); len(answers) != 1 || driver.Err() != nil {
		t.Errorf("a stream that just ends answers %v, %v", answers, driver.Err())
	}
}

func TestAnEventThatCannotBeReadNowIsToldOnceItCan(t *testing.T) {
	r := open()
	changed := live.SlotsChanged{Place: place(), Slots: []availability.Slot{r.slot}}
	r.fail = errs.TryAgain(nil)
	s := &script{events: []live.Event{changed, live.StreamReady{Place: place()}}, last: ended, again: func() { r.fail = nil }}
	answers, _ := pulled(t, r, s, strings.Replace(watchSlots, "{ name }", "{ appointments(first: 1) { edges { cursor } } }", 1))
	if len(answers) != 2 || len(answers[0].Errors) != 0 || !strings.Contains(string(answers[0].Data), `"appointments":{"edges":[{`) {
		t.Fatalf("told %v", answers)
	}
}

func TestAPanicInAnEventIsThatEventsFailure(t *testing.T) {
	r := open()
	changed := live.SlotsChanged{Place: place(), Slots: []availability.Slot{r.slot}}
	s := &script{events: []live.Event{changed, live.StreamReady{Place: place()}}, last: ended, begun: func() { r.panics = true }}
	answers, _ := pulled(t, r, s, watchSlots)
	if len(answers) != 2 || string(answers[1].Data) != `{"slots":{"__typename":"StreamReady"}}` || len(answers[1].Errors) != 0 {
		t.Fatalf("after a panic: %v", answers)
	}
	told := answers[0].Errors
	if len(told) != 1 || told[0].Extensions["code"] != presenter.InternalServerError || told[0].Extensions["requestId"] != ownID ||
		told[0].Path.String() != "slots.slots[0].provider" {
		t.Errorf("the event says %v at %v", told, told[0].Path)
	}
}

func TestASubscriptionThatNobodyPullsIsRefused(t *testing.T) {
	r := open()
	s := &script{last: ended}
	of := services(r)
	of.Live = liveRoom{s}
	log := slog.New(slog.DiscardHandler)
	exec := graph.Deps{
		Schema: resolvers.Schema(&resolvers.Resolver{Services: of}), Loaders: loaders(r), Records: &r.records, Limits: limits.Default(), Log: log,
	}.Executor()
	ctx := graphql.StartOperationTrace(t.Context())
	op, faults := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: watchSlots})
	if faults != nil {
		t.Fatal(faults)
	}
	responses, ctx := exec.DispatchOperation(ctx, op)
	if answer := responses(ctx); len(answer.Errors) != 1 || answer.Errors[0].Extensions["code"] != presenter.BadRequest || !s.closed {
		t.Errorf("answered %v", answer)
	}
}

func TestAScopeNamesWhatExists(t *testing.T) {
	ids := func(t globalid.Type, n ...byte) string {
		var list []string
		for _, n := range n {
			list = append(list, strconv.Quote(globalid.Of(t, clinic.Ref{Organization: id(1), ID: id(n)})))
		}
		return "[" + strings.Join(list, ", ") + "]"
	}
	for scope, want := range map[string]string{
		"{providerIds: []}": "INVALID_INPUT [scope providerIds]",
		"{locationIds: []}": "INVALID_INPUT [scope locationIds]",
		"{providerIds: " + ids(globalid.Provider, slices.Repeat([]byte{4}, 21)...) + "}":   "INVALID_INPUT [scope providerIds]",
		"{locationIds: " + ids(globalid.Location, slices.Repeat([]byte{2}, 6)...) + "}":    "INVALID_INPUT [scope locationIds]",
		"{providerIds: " + ids(globalid.Provider, 4, 77) + "}":                             "NOT_FOUND [scope providerIds 1]",
		"{locationIds: " + ids(globalid.Location, 2, 77) + "}":                             "NOT_FOUND [scope locationIds 1]",
		"{providerIds: " + ids(globalid.Location, 2) + "}":                                 "INVALID_INPUT [scope providerIds 0]",
		"{search: {providerIds: " + ids(globalid.Provider, 77) + "}}":                      "NOT_FOUND [scope search providerIds 0]",
		"{search: {visitKindId: " + strings.Trim(ids(globalid.VisitKind, 77), "[]") + "}}": "NOT_FOUND [scope search visitKindId]",
	} {
		answers, _ := pulled(t, open(), &script{last: ended}, `subscription { availabilityChanged(scope: `+scope+`) { __typename } }`)
		if len(answers) != 1 || len(answers[0].Errors) != 1 {
			t.Errorf("%s answers %v", scope, answers)
			continue
		}
		told := answers[0].Errors[0].Extensions
		if got := fmt.Sprint(told["code"], " ", told["path"]); got != want {
			t.Errorf("%s is %s, want %s", scope, got, want)
		}
	}
}
