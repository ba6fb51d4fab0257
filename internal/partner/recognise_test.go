package partner

import (
	"context"
	"crypto/rand"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
)

// drawer keeps one key, and counts what is asked and noted.
type drawer struct {
	Uses
	key         APIKey
	looks, used int
	failed      error
}

func (d *drawer) Key(_ context.Context, at clinic.Ref) (APIKey, bool, error) {
	d.looks++
	return d.key, at == d.key.Ref(), d.failed
}

func (d *drawer) KeyUsed(context.Context, clinic.Ref, time.Time) error {
	d.used++
	return d.failed
}

// Get keeps nothing.
func (d *drawer) Get(ctx context.Context, _ string, load func(context.Context) (APIKey, error)) (APIKey, error) {
	return load(ctx)
}

func TestAKeyIsGoodUntilItExpires(t *testing.T) {
	text, prefix, digest, err := drawKey(rand.Reader, true, ref)
	if err != nil {
		t.Fatal(err)
	}
	now := clock.FrozenAt(noon)
	kept := &drawer{key: APIKey{OrganizationID: ref.Organization, ID: ref.ID, Prefix: prefix, Digest: digest, ExpiresAt: noon.Add(time.Hour), PerMinute: 7}}
	r := NewRecogniser(kept, kept, now, true)
	for range 3 {
		who, until, err := r.Verify(t.Context(), text.Reveal())
		if err != nil || who.Credential != ref.ID || who.Organization != ref.Organization || who.PerMinute != 7 || who.Client != prefix || !until.Equal(noon.Add(time.Hour)) {
			t.Fatalf("%+v until %v, %v", who, until, err)
		}
	}
	if kept.used != 1 {
		t.Errorf("its use was noted %d times within a minute", kept.used)
	}
	now.Advance(time.Minute)
	if _, _, err := r.Verify(t.Context(), text.Reveal()); err != nil || kept.used != 2 {
		t.Errorf("a minute later: %v, noted %d times", err, kept.used)
	}
	kept.failed = errs.TryAgain(nil)
	if _, _, err := r.Verify(t.Context(), text.Reveal()); errs.Of(err) != errs.Busy {
		t.Errorf("while nobody can say: %v", err)
	}
	kept.failed = nil
	other, _, _, _ := drawKey(rand.Reader, true, ref)
	gone := *kept
	gone.key = kept.key.revoked(noon)
	refuses := func(name string, by *Recogniser, text string) {
		t.Helper()
		if _, _, err := by.Verify(t.Context(), text); errs.Of(err) != errs.Unauthenticated || err.Error() != "The token is not valid." {
			t.Errorf("%s: %v", name, err)
		}
	}
	refuses("another secret", r, other.Reveal())
	refuses("revoked", NewRecogniser(&gone, &gone, now, true), text.Reveal())
	now.Advance(time.Hour)
	refuses("expired", r, text.Reveal())
	looks := kept.looks
	if _, _, err := r.Verify(t.Context(), "mk_live_"+text.Reveal()[9:]); err == nil || kept.looks != looks {
		t.Errorf("what can't be a key was looked for: %v", err)
	}
}
