package app

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/conflict"
	"github.com/mediconnect/mediconnect/internal/flags"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/telemetry"
)

// harmless are what keeps the full detection of conflicts from hurting anybody, and what it tells.
type harmless struct {
	guard   *conflict.Guard
	beside  *conflict.Beside
	reports *conflict.Reports
}

// watchConflicts makes them. besideConflicts has them work.
func (a *App) watchConflicts(source clinic.Source) {
	records := postgres.NewConflictRecords(a.db)
	measuring := clinic.Source{Clock: clock.System{}, NewID: uuid.New} // its ids tell no time
	a.harmless.guard = conflict.NewGuard(a.frame.conflicts().Limits, records, measuring, a.fellBack)
	a.harmless.beside = conflict.NewBeside(conflict.DefaultBulkhead(), records, measuring)
	a.harmless.reports = conflict.NewReports(records, a.harmless.guard, source)
}

// switches have flags decide.
type switches struct{ flags *flags.Flags }

// Detection implements conflict.Switches.
func (s switches) Detection(slot availability.SlotID, patient uuid.UUID, a access.Actor) access.Feature {
	return s.flags.Decide(flags.ConflictDetection, flags.Subject{Organization: slot.Organization, Provider: slot.Provider, Patient: patient}, a)
}

// Overrides implements conflict.Switches.
func (s switches) Overrides(organization uuid.UUID, a access.Actor) access.Feature {
	return s.flags.Decide(flags.StaffOverrides, flags.Subject{Organization: organization}, a)
}

// detection is the detection of this process.
func (a *App) detection() *conflict.Detection {
	return conflict.NewDetection(postgres.NewConflictStore(a.db), switches{a.flags}, a.frame.conflicts().Budget, a.harmless.guard, a.harmless.beside, a.frame.Clock, clock.Uptime)
}

// lastConflicts bounds what is still kept when the process ends.
const lastConflicts = 2 * time.Second

// besideConflicts does what no request waits for, until ctx ends.
func (a *App) besideConflicts(ctx context.Context) {
	guard, beside := a.harmless.guard, a.harmless.beside
	a.beside.Go(func() {
		regularly(ctx, conflict.LookEvery, guard.News(), a.alarmed("whether the detection of conflicts fell back can't be kept or read; it is tried again", guard.Look))
		if guard.Tripped() {
			last(ctx, guard.Look)
		}
	})
	a.beside.Go(func() {
		regularly(ctx, conflict.SkipEvery, nil, func(context.Context) { beside.SkipLate() })
	})
	a.beside.Go(func() {
		judged := make(chan struct{})
		go func() {
			defer close(judged)
			beside.Run(ctx)
		}()
		regularly(ctx, conflict.FlushEvery, nil, a.alarmed("how detections of conflicts compare can't be kept; it is tried again", beside.Flush))
		<-judged
		last(ctx, beside.Flush)
	})
}

// last does something once more as the process ends, within a bound.
func last(ctx context.Context, do func(context.Context) error) {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastConflicts)
	defer cancel()
	_ = do(within) // what can't be done by now is lost
}

// fellBack tells whoever runs the server.
func (a *App) fellBack(f conflict.Fallback) {
	if f.RearmedAt != nil {
		a.frame.Log.Info("the detection of conflicts was re-armed: it goes as far again as its flag says", "fallback", f.ID)
		return
	}
	a.frame.Log.Error("the detection of conflicts fell back to the basic one until it is re-armed",
		"fallback", f.ID, "cause", string(f.Cause), "at", f.At, "cases", f.Figures.Cases, "failed", f.Figures.Failed, "slow", f.Figures.Slow,
		"people", f.Figures.People, "refused", f.Figures.Refused)
}

// measureConflicts adds the figures of a process that judges.
func (a *App) measureConflicts() {
	f, guard, beside := a.figures, a.harmless.guard, a.harmless.beside
	f.Gauge("conflict_fallen_back", "1 while the guard has the detection of conflicts off, whatever its flag says.", nil, func() float64 { return one(guard.Tripped()) })
	state := func(of func(conflict.BesideState) float64) func() float64 {
		return func() float64 { return of(beside.State()) }
	}
	for _, mode := range []conflict.Mode{conflict.Shadow, conflict.Enforce} {
		for _, v := range conflict.Verdicts {
			f.Counter("conflict_cases_total", "Cases by how the full detection of conflicts compares to the basic one.", telemetry.Labels{"mode": string(mode), "verdict": string(v)},
				state(func(s conflict.BesideState) float64 { return float64(s.Seen[conflict.Seen{Mode: mode, Verdict: v}]) }))
		}
		f.Histogram("conflict_detection_duration_seconds", "Time that the full detection of conflicts took.", telemetry.Labels{"mode": string(mode)},
			func() telemetry.Distribution { return spread(beside.State().Took[mode]) })
	}
	f.Gauge("conflict_waiting", "Cases that wait to be judged in the shadow.", nil, state(func(s conflict.BesideState) float64 { return float64(s.Waiting) }))
	f.Gauge("conflict_running", "Cases that are being judged in the shadow.", nil, state(func(s conflict.BesideState) float64 { return float64(s.Running) }))
	const skipped = "Cases that were not judged in the shadow, as too many waited or they had waited for too long."
	f.Counter("conflict_skipped_total", skipped, telemetry.Labels{"why": "full"}, state(func(s conflict.BesideState) float64 { return float64(s.Full) }))
	f.Counter("conflict_skipped_total", skipped, telemetry.Labels{"why": "late"}, state(func(s conflict.BesideState) float64 { return float64(s.Late) }))
	f.Counter("conflict_counts_lost_total", "Counts of the report that were not kept.", nil, state(func(s conflict.BesideState) float64 { return float64(s.Lost) }))
}

// spread adds the buckets up.
func spread(t conflict.Took) telemetry.Distribution {
	d := telemetry.Distribution{Count: uint64(t.Count), Sum: t.Seconds, Below: map[float64]uint64{}}
	var within uint64
	for i, n := range t.Buckets {
		within += uint64(n)
		d.Below[conflict.TookBounds[i]] = within
	}
	return d
}
