package clinic

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/form"
)

// SetTravelRules asks for the rules of how long people take from one location to another. Fields left out take the defaults.
type SetTravelRules struct {
	Organization uuid.UUID // zero: the caller's own
	Patients     *bool
	Providers    *bool
	Speed        *int // km/h
	Margin       *time.Duration
	Routes       []SetRoute
}

// SetRoute asks for one way to take so long.
type SetRoute struct {
	From, To Ref
	Takes    time.Duration
}

// TravelStore keeps how long people take from one location to another.
type TravelStore interface {
	// SetTravelRules replaces an organisation's. When nothing differs, nothing is written. It fails with errs.NotFound at "organizationId".
	SetTravelRules(ctx context.Context, by Stamp, t TravelRules) error
	// TravelRules answers those of organisations that have set any.
	TravelRules(ctx context.Context, organizations []uuid.UUID) (map[uuid.UUID]TravelRules, error)
}

// The bounds of how people travel.
const (
	maxSpeed  = 300
	maxRoutes = 200
)

var (
	margins = form.Span{Least: 0, Most: 4 * time.Hour, Unit: time.Minute}
	ways    = form.Span{Least: 0, Most: MaxWay, Unit: time.Minute}
)

// rules are what the input says once it is checked. Whether its locations exist is still to be seen.
func (in SetTravelRules) rules(organization uuid.UUID) (TravelRules, error) {
	var check form.Check
	t := DefaultTravel(organization)
	t.Patients, t.Providers = orElse(in.Patients, t.Patients), orElse(in.Providers, t.Providers)
	t.Speed = check.Count(orElse(in.Speed, t.Speed), 1, maxSpeed, "speedKilometresPerHour")
	t.Margin = check.Duration(in.Margin, t.Margin, margins, "margin")
	check.That(len(in.Routes) <= maxRoutes, "At most "+strconv.Itoa(maxRoutes)+" routes.", "routes")
	if check.Err() == nil {
		t.Routes = in.routes(&check)
	}
	return t, check.Err()
}

func orElse[T any](value *T, fallback T) T {
	if value == nil {
		return fallback
	}
	return *value
}

func (in SetTravelRules) routes(check *form.Check) []Route {
	known := map[[2]uuid.UUID]bool{}
	var list []Route
	for i, r := range in.Routes {
		way := [2]uuid.UUID{r.From.ID, r.To.ID}
		check.That(r.From != r.To, "This is where the route begins.", pathOfRoute(i, "toLocationId")...)
		check.That(!known[way], "This route is named twice.", pathOfRoute(i, "toLocationId")...)
		known[way] = true
		list = append(list, Route{From: r.From.ID, To: r.To.ID, Takes: check.Duration(&r.Takes, 0, ways, pathOfRoute(i, "takes")...)})
	}
	return list
}

func pathOfRoute(i int, field string) []string { return form.At([]string{"routes"}, i, field) }

// Same says whether two rules agree.
func (t TravelRules) Same(o TravelRules) bool {
	return t.Patients == o.Patients && t.Providers == o.Providers && t.Speed == o.Speed && t.Margin == o.Margin && slices.Equal(t.Routes, o.Routes)
}

// SetTravelRules replaces an organisation's rules of travel.
func (s *Service) SetTravelRules(ctx context.Context, actor access.Actor, in SetTravelRules) (TravelRules, error) {
	organization, err := Allowed(actor, in.Organization, access.DirectoryWrite)
	if err != nil {
		return TravelRules{}, err
	}
	t, err := in.rules(organization)
	if err != nil {
		return TravelRules{}, err
	}
	var places []place
	for i, r := range in.Routes {
		places = append(places, place{r.From, pathOfRoute(i, "fromLocationId")}, place{r.To, pathOfRoute(i, "toLocationId")})
	}
	if err := s.has(ctx, organization, places...); err != nil {
		return TravelRules{}, err
	}
	return t, s.store.SetTravelRules(ctx, s.source.Stamp(actor), t)
}

// TravelRules answers those of organisations whose the caller may see, be they the defaults. The organisations exist.
func (s *Service) TravelRules(ctx context.Context, actor access.Actor, organizations []uuid.UUID) (map[uuid.UUID]TravelRules, error) {
	visible := slices.DeleteFunc(slices.Clone(organizations), func(o uuid.UUID) bool { return !setsUp(actor, o) })
	if len(visible) == 0 {
		return map[uuid.UUID]TravelRules{}, nil
	}
	found, err := s.store.TravelRules(ctx, visible)
	if err != nil {
		return nil, err
	}
	for _, o := range visible {
		if _, ok := found[o]; !ok {
			found[o] = DefaultTravel(o)
		}
	}
	return found, nil
}
