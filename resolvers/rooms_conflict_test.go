package resolvers_test

import (
	"context"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/conflict"
)

type conflictRoom struct{ *rooms }

func (r conflictRoom) Report(_ context.Context, _ access.Actor, q conflict.ReportQuery) (conflict.Report, error) {
	r.note("Report", q)
	of := conflict.Compared{
		Mode: conflict.Shadow, Operation: conflict.Book, Counts: map[conflict.Verdict]int64{conflict.OnlyFull: 1},
		Rules: []conflict.ComparedRule{{Rule: availability.DuplicateVisit, Full: 1, OnlyFull: 1}}, Latencies: &conflict.Latencies{P50: 1500e3, P95: 2e6, P99: 3e6, Longest: 4e6},
	}
	fallback := conflict.Fallback{ID: uuid.UUID{15: 1}, Instance: uuid.UUID{15: 2}, At: start, Cause: conflict.Latency}
	return conflict.Report{
		From: q.From, To: q.To, Total: conflict.Compared{}, Modes: []conflict.Compared{of}, Operations: []conflict.Compared{of},
		Fallback: &fallback, Fallbacks: []conflict.Fallback{fallback},
		Disagreements: []conflict.OrganizationDisagreement{{Organization: r.organization.ID, Disagreement: conflict.Disagreement{
			At: start, Mode: conflict.Enforce, Operation: conflict.Move, Location: r.location.ID, VisitKind: r.kind.ID, Full: []availability.Rule{availability.DuplicateVisit}, Took: 1500e3,
		}}},
	}, r.fail
}

func (r conflictRoom) Rearm(_ context.Context, _ access.Actor, in conflict.Rearm) (conflict.Rearmed, error) {
	r.note("Rearm", in)
	return conflict.Rearmed{Fallbacks: 2}, r.fail
}
