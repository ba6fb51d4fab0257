package resolvers

import (
	"context"
	"errors"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/loader"
	"github.com/mediconnect/mediconnect/graph/model"
	"github.com/mediconnect/mediconnect/graph/relay"
	"github.com/mediconnect/mediconnect/graph/viewer"
	"github.com/mediconnect/mediconnect/internal/appointment"
	"github.com/mediconnect/mediconnect/internal/availability"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/paging"
	"github.com/mediconnect/mediconnect/internal/waitlist"
)

var (
	waitlistEntries = order[waitlist.Entry]{"WaitlistEntryConnection", waitlist.Entry.Key}
	waitlistOffers  = order[waitlist.Offer]{"WaitlistOfferConnection", waitlist.Offer.Key}
)

// wish reads what somebody waits for.
func (r *Resolver) wish(ctx context.Context) func(*ids, model.JoinWaitlistInput) waitlist.Join {
	return func(read *ids, in model.JoinWaitlistInput) waitlist.Join {
		q, err := r.search(ctx, *in.Wanted)
		join := waitlist.Join{
			Patient: read.optional(globalid.Patient, in.PatientID, "patientId"), Priority: in.Priority, Wanted: q, MinimumNotice: in.MinimumNotice,
			Current: read.optional(globalid.Appointment, in.CurrentAppointmentID, "currentAppointmentId"), Key: in.IdempotencyKey,
		}
		if read.fault == nil {
			read.fault = inWish(err)
		}
		return join
	}
}

// inWish moves a fault of a search to where the search is what somebody waits for.
func inWish(err error) error {
	e, ok := errors.AsType[*errs.Error](err)
	if !ok || len(e.Path) == 0 || e.Path[0] != "where" {
		return err
	}
	return errs.Rename(err, append([]string{"wanted"}, e.Path[1:]...)...)
}

func leaveWaitlist(read *ids, in model.LeaveWaitlistInput) clinic.Ref {
	return read.ref(globalid.WaitlistEntry, in.EntryID, "entryId")
}

func answerOffer(read *ids, in model.AnswerWaitlistOfferInput) waitlist.Answer {
	return waitlist.Answer{Offer: read.ref(globalid.WaitlistOffer, in.OfferID, "offerId"), Accept: in.Accept, Key: in.IdempotencyKey}
}

func waitlistRules(read *ids, in model.SetWaitlistRulesInput) waitlist.SetRules {
	return waitlist.SetRules{
		Organization: read.organization(in.OrganizationID, "organizationId"), AnswerWithin: in.AnswerWithin, OffersADay: in.OffersADay, ShowsPosition: in.ShowsPosition,
	}
}

// waitlistFilter reads a filter. The ids in it may name one organisation only, which is then the one searched.
func waitlistFilter(in *model.WaitlistFilterInput) (waitlist.Filter, error) {
	var f waitlist.Filter
	if in == nil {
		return f, nil
	}
	var read ids
	f.Organization = read.organization(in.OrganizationID, "where", "organizationId")
	narrow := func(t globalid.Type, text *string, what, field string) clinic.Ref {
		ref := read.optional(t, text, "where", field)
		if ref == nil {
			return clinic.Ref{}
		}
		if f.Organization == (clinic.Ref{}).Organization {
			f.Organization = ref.Organization
		}
		read.same(f.Organization, what, *ref, "where", field)
		return *ref
	}
	f.Patient = narrow(globalid.Patient, in.PatientID, "patient", "patientId").ID
	f.VisitKind = narrow(globalid.VisitKind, in.VisitKindID, "kind of visit", "visitKindId").ID
	f.Statuses = in.Status
	return f, read.fault
}

func (r *Resolver) waiting(ctx context.Context, f waitlist.Filter, args pageArgs) (*relay.Connection[waitlist.Entry], error) {
	return list(args, waitlistEntries, func(w paging.Window) (paging.Page[waitlist.Entry], error) {
		page, err := r.Services.Waitlist.List(ctx, viewer.Actor(ctx), f, w)
		loader.From(ctx).OfWaitlist(page.Items)
		return page, err
	}, func(ctx context.Context) (int, error) {
		return r.Services.Waitlist.Count(ctx, viewer.Actor(ctx), f)
	})
}

func (r *Resolver) offersOf(ctx context.Context, e waitlist.Entry, args pageArgs) (*relay.Connection[waitlist.Offer], error) {
	return list(args, waitlistOffers, func(w paging.Window) (paging.Page[waitlist.Offer], error) {
		return r.Services.Waitlist.ListOffers(ctx, viewer.Actor(ctx), e, w)
	}, func(ctx context.Context) (int, error) {
		return r.Services.Waitlist.CountOffers(ctx, e)
	})
}

// wanted is what somebody waits for, but for where a circle is: that may be their home.
func wanted(q availability.Search) *model.WaitlistWish {
	wish := &model.WaitlistWish{Modalities: q.Modalities, Language: q.Language, From: q.From, To: q.To, TimeZone: q.TimeZone, StepFreeAccess: q.StepFree, Of: q}
	if q.TimesOfDay != nil {
		wish.TimesOfDay = pointers(q.TimesOfDay)
	}
	return wish
}

func passedOver(o waitlist.Offer) []*model.WaitlistPass {
	shown := o.PassedOver[:min(len(o.PassedOver), relay.MaxPage)]
	passes := make([]*model.WaitlistPass, len(shown))
	for i, p := range shown {
		passes[i] = &model.WaitlistPass{Reason: waitlist.Reason(p.Reason), Whose: clinic.Ref{Organization: o.OrganizationID, ID: p.Entry}}
	}
	return passes
}

// among loads what a list names, without what isn't there any more; null: nothing is named.
func among[V any](ctx context.Context, of *loader.Loader[clinic.Ref, V], refs []clinic.Ref) ([]*V, error) {
	if refs == nil {
		return nil, nil
	}
	found, err := of.LoadAll(ctx, refs)
	list := make([]*V, 0, len(found))
	for _, v := range found {
		if v != nil {
			list = append(list, v)
		}
	}
	return list, err
}

// offerMembers are of offers that have ended.
func offerMembers(err error) []any {
	if e, ok := errors.AsType[appointment.OfferExpired](err); ok {
		return []any{&model.OfferExpiredError{Code: model.UserErrorCodeOfferExpired, Message: e.Error(), Path: input("offerId"), ExpiredAt: e.At}}
	}
	return nil
}
