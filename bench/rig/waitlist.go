package rig

import (
	"context"
	"time"
)

// Offered is an offer as the clinic sees it.
type Offered struct {
	ID      string
	Patient string // global id
}

const (
	joinWaitlist = `mutation($in: JoinWaitlistInput!) { done: joinWaitlist(input: $in) { visit: entry { id } ` + plain
	answerOffer  = `mutation($in: AnswerWaitlistOfferInput!) { done: answerWaitlistOffer(input: $in) { visit: appointment ` + visit + plain
	openOffers   = `query($o: ID!, $after: String) { waitlistEntries(where: {organizationId: $o, status: [OFFERED]}, first: 100, after: $after) {
	pageInfo { hasNextPage endCursor } edges { node { patient { id } offers(last: 1) { edges { node { id status } } } } } } }`
)

// Wait has the patient wait for a time within a period or, with a visit, for an earlier one than that.
func (p Patient) Wait(ctx context.Context, kind string, from, to time.Time, visit *string, key string) (Answer, error) {
	wanted := object{"visitKindId": kind, "from": from, "to": to}
	return p.change(ctx, joinWaitlist, object{"wanted": wanted, "currentAppointmentId": visit, "idempotencyKey": key})
}

// AnswerOffer takes an offer, or declines it.
func (p Patient) AnswerOffer(ctx context.Context, offer string, accept bool, key string) (Answer, error) {
	return p.change(ctx, answerOffer, object{"offerId": offer, "accept": accept, "idempotencyKey": key})
}

// OpenOffers lists what is offered now.
func (c *Clinic) OpenOffers(ctx context.Context) (list []Offered, err error) {
	var after *string
	for {
		var data struct {
			WaitlistEntries struct {
				PageInfo struct {
					HasNextPage bool
					EndCursor   string
				}
				Edges []struct {
					Node struct {
						Patient struct{ ID string }
						Offers  struct {
							Edges []struct{ Node struct{ ID, Status string } }
						}
					}
				}
			}
		}
		if err := c.Admin.Ask(ctx, openOffers, object{"o": c.Organization, "after": after}, &data); err != nil {
			return nil, err
		}
		for _, e := range data.WaitlistEntries.Edges {
			for _, o := range e.Node.Offers.Edges {
				if o.Node.Status == "OPEN" {
					list = append(list, Offered{o.Node.ID, e.Node.Patient.ID})
				}
			}
		}
		if !data.WaitlistEntries.PageInfo.HasNextPage {
			return list, nil
		}
		after = &data.WaitlistEntries.PageInfo.EndCursor
	}
}

// CancelByClinic cancels a visit on the clinic's side.
func (c *Clinic) CancelByClinic(ctx context.Context, id, key string) (Answer, error) {
	return Patient{Client: c.Admin}.change(ctx, cancel, object{"appointmentId": id, "reason": "CLINIC_REQUEST", "idempotencyKey": key})
}
