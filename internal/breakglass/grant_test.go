package breakglass

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/form"
)

var (
	noon    = time.Date(2026, 6, 8, 12, 0, 0, 0, time.UTC)
	holder  = access.Actor{ID: uuid.UUID{15: 1}}
	auditor = access.Actor{ID: uuid.UUID{15: 2}}
)

func grant() Grant {
	return Grant{Version: 1, ActorID: holder.ID, StartedAt: noon, ExpiresAt: noon.Add(time.Hour)}
}

func TestAGrantLastsFromOneToSixtyMinutes(t *testing.T) {
	for minutes, good := range map[int]bool{-1: false, 0: false, 1: true, 59: true, 60: true, 61: false} {
		length, err := lasting(minutes)
		if (err == nil) != good || good && length != time.Duration(minutes)*time.Minute {
			t.Errorf("%d minutes: %v, %v", minutes, length, err)
		}
	}
	g := grant()
	for after, open := range map[time.Duration]bool{0: true, time.Hour - 1: true, time.Hour: false, 2 * time.Hour: false} {
		if g.open(noon.Add(after)) != open {
			t.Errorf("after %v it is open: %v", after, !open)
		}
	}
}

func TestAGrantThatIsOverStaysAsItIs(t *testing.T) {
	ended := grant().ended(noon.Add(time.Minute))
	if ended.Version != 2 || ended.EndedAt == nil || ended.open(noon.Add(time.Minute)) {
		t.Errorf("%+v", ended)
	}
	if again := ended.ended(noon.Add(2 * time.Minute)); again.Version != 2 || *again.EndedAt != noon.Add(time.Minute) {
		t.Errorf("ended again: %+v", again)
	}
	if late := grant().ended(noon.Add(time.Hour)); late.Version != 1 || late.EndedAt != nil {
		t.Errorf("ended when it had expired: %+v", late)
	}
}

func TestWhoReviewsAGrantAndWhen(t *testing.T) {
	over := noon.Add(time.Hour)
	done, err := grant().reviewed(auditor, Review{Finding: Justified}, over)
	if err != nil || done.Version != 2 || *done.Finding != Justified || done.ReviewedBy != auditor.ID || *done.ReviewedAt != over {
		t.Fatalf("%+v, %v", done, err)
	}
	seen := 1
	broken := grant()
	broken.ProviderID = uuid.UUID{15: 70}
	if other, err := broken.reviewed(access.Actor{ID: uuid.UUID{15: 4}, ProviderID: uuid.UUID{15: 71}}, Review{Finding: Justified}, over); err != nil || other.Version != 2 {
		t.Errorf("by another provider: %+v, %v", other, err)
	}
	for name, c := range map[string]struct {
		g    Grant
		who  access.Actor
		in   Review
		now  time.Time
		kind errs.Kind
	}{
		"by who broke the glass":       {grant(), holder, Review{Finding: Justified}, over, errs.Forbidden},
		"by them with another account": {broken, access.Actor{ID: uuid.UUID{15: 4}, ProviderID: broken.ProviderID}, Review{Finding: Justified}, over, errs.Forbidden},
		"while it is open":             {grant(), auditor, Review{Finding: Justified}, over.Add(-1), errs.InvalidInput},
		"another finding":              {done, auditor, Review{Finding: Unjustified}, over, errs.InvalidInput},
		"the same by somebody else":    {done, access.Actor{ID: uuid.UUID{15: 3}}, Review{Finding: Justified}, over, errs.InvalidInput},
		"of a version that has gone":   {done, auditor, Review{Finding: Unjustified, ExpectedVersion: &seen}, over, errs.Internal},
	} {
		to, err := c.g.reviewed(c.who, c.in, c.now)
		if err == nil || errs.Of(err) != c.kind || to.Version != c.g.Version {
			t.Errorf("%s: %v", name, err)
		}
		if _, stale := errors.AsType[StaleVersion](err); stale != (c.kind == errs.Internal) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if again, err := done.reviewed(auditor, Review{Finding: Justified, ExpectedVersion: &seen}, over); err != nil || again.Version != 2 {
		t.Errorf("the same once more: %+v, %v", again, err)
	}
}

func TestAReasonHasTenToFiveHundredCharacters(t *testing.T) {
	for length, good := range map[int]bool{0: false, 9: false, 10: true, 500: true, 501: false} {
		var check form.Check
		written := access.Private(strings.Repeat("é", length))
		if got := text(&check, &written, minReason, maxReason, "reason"); (check.Err() == nil) != good || good && *got != written {
			t.Errorf("%d characters: %v", length, check.Err())
		}
	}
}
