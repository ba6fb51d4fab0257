package prove_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/bench/rig"
)

const (
	ownRecord = `{ viewer { asPatient { name } } }`
	notMine   = `{ patients(where: {name: "Ada"}) { edges { cursor } } }`
)

// Whoever was answered was recorded before: the server is killed in the middle, and no answer that arrived lacks its row.
func TestNoAnswerIsWithoutItsRecordWhenTheServerIsKilled(t *testing.T) {
	const each = 6
	p := newProof(t, *clients/4)
	total := len(p.patients) * each
	k := newKiller(t, total/4, total/2)
	answered := make(chan string, total)
	var again atomic.Int64
	p.together(func(i int, patient rig.Patient) {
		for n := range each {
			ask := patient.Client
			for t.Context().Err() == nil {
				ask.RequestID = uuid.NewString()
				if p.answers(t.Context(), ask, []string{ownRecord, notMine}[n%2]) {
					answered <- ask.RequestID
					break
				}
				again.Add(1)
			}
			k.count()
		}
	})
	k.rest()
	k.hit(again.Load())
	close(answered)
	missing := 0
	for id := range answered {
		if p.count(`SELECT count(*) FROM audit_events WHERE organization_id = $1 AND request_id = $2`, id) != 1 {
			missing++
		}
	}
	t.Logf("%d answers, %d requests were sent again, %s; %d answers without a record", total, again.Load(), k, missing)
	if missing > 0 {
		t.Errorf("%d of %d answers have no record", missing, total)
	}
}

// answers says whether a request was answered with data, or with a refusal that is the answer.
func (p *proof) answers(ctx context.Context, c rig.Client, document string) bool {
	_, text, err := c.Post(ctx, document, nil)
	if err != nil {
		return false
	}
	var data any
	err = rig.Read(text, &data)
	top, refused := err.(*rig.TopError)
	return err == nil || refused && top.Code == "FORBIDDEN"
}
