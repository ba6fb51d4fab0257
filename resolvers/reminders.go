package resolvers

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/loader"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/graph/relay"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

var (
	reminders   = order[reminder.Message]{"ReminderConnection", reminder.KeyOf}
	deadLetters = order[reminder.DeadLetter]{"DeadLetterConnection", reminder.DeadLetterKey}
)

// reminders pages what is told of one visit, read with that of all visits that the same field is asked of.
func (r *Resolver) reminders(ctx context.Context, visit clinic.Ref, args pageArgs) (*relay.Connection[reminder.Message], error) {
	all, field := loader.From(ctx), graphql.GetFieldContext(ctx).Field.Field
	return list(args, reminders, func(w paging.Window) (paging.Page[reminder.Message], error) {
		found, err := all.Told(ctx, field, visit, w)
		return orZero(found), err
	}, func(ctx context.Context) (int, error) {
		n, err := all.CountTold(ctx, field, visit)
		return orZero(n), err
	})
}

func funnelQuery(in model.ReminderFunnelInput) (reminder.FunnelQuery, error) {
	var read ids
	q := reminder.FunnelQuery{
		From: in.From, To: in.To, Channel: orZero(in.Channel), Kind: orZero(in.Kind), Location: read.optional(globalid.Location, in.LocationID, "where", "locationId"),
	}
	return q, read.fault
}

func (r *Resolver) deadLetters(ctx context.Context, f reminder.DeadLetterFilter, args pageArgs) (*relay.Connection[reminder.DeadLetter], error) {
	return list(args, deadLetters, func(w paging.Window) (paging.Page[reminder.DeadLetter], error) {
		page, err := r.Services.DeadLetters.List(ctx, viewer.Actor(ctx), f, w)
		loader.From(ctx).OfDeadLetters(page.Items)
		return page, err
	}, func(ctx context.Context) (int, error) {
		return r.Services.DeadLetters.Count(ctx, viewer.Actor(ctx), f)
	})
}

func letterFilter(in *model.DeadLetterFilterInput) (f reminder.DeadLetterFilter) {
	if in == nil {
		return f
	}
	return reminder.DeadLetterFilter{
		Channel: orZero(in.Channel), Kind: orZero(in.Kind), Cause: reminder.Cause(orZero(in.Cause)), From: orZero(in.From), To: orZero(in.To), Replayed: in.Replayed,
	}
}

func replayLetters(read *ids, in model.ReplayDeadLettersInput) reminder.ReplayLetters {
	asked := reminder.ReplayLetters{Letters: read.list(globalid.DeadLetter, in.DeadLetterIds, "deadLetterIds"), DryRun: in.DryRun, Key: in.IdempotencyKey}
	if in.Filter != nil {
		f := letterFilter(in.Filter)
		asked.Filter = &f
	}
	return asked
}

// unlessEmpty is a value, or null in place of an empty one.
func unlessEmpty[T ~string](value T) *T {
	if value == "" {
		return nil
	}
	return &value
}
