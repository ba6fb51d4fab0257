package flags

import (
	"net/http"
	"slices"
	"time"

	unleash "github.com/Unleash/unleash-client-go/v4"
	"github.com/Unleash/unleash-client-go/v4/api"
	about "github.com/Unleash/unleash-client-go/v4/context"

	"github.com/mediconnect/mediconnect/internal/access"
)

// evaluator is an SDK client that only judges what it is handed. It reaches nobody: what is fetched is fetched by another one, so that
// nothing which that one does can hold up a decision.
type evaluator struct{ client *unleash.Client }

func newEvaluator() (*evaluator, error) {
	client, err := unleash.NewClient(
		unleash.WithUrl("http://nobody.invalid/api/"), unleash.WithHttpClient(&http.Client{Transport: nobody{}, Timeout: policy().Call}),
		unleash.WithAppName(appName), unleash.WithInstanceId(appName), unleash.WithStorage(nothing{}),
		unleash.WithDisableMetrics(true), unleash.WithRefreshInterval(24*time.Hour), unleash.WithListener(&unleash.NoopListener{}),
	)
	return &evaluator{client}, err
}

func (e *evaluator) close() { _ = e.client.Close() }

// variant is what one rule says.
func (e *evaluator) variant(s Switch, resolve unleash.FeatureResolver, of about.Context) (name string, on bool) {
	found := e.client.GetVariant(s.key, unleash.WithVariantContext(of), unleash.WithVariantResolver(resolve))
	if found == nil || found == api.GetDefaultVariant() || !found.FeatureEnabled {
		return "", false
	}
	if !found.Enabled {
		return "", true
	}
	return found.Name, true
}

// decide is the way that a switch goes for a subject, and why. Odd: it was on, but not in a way that the switch knows.
func (d *definition) decide(sdk *evaluator, s Switch, of Subject) (way int, why access.Reason, odd bool) {
	if len(d.rules) == 0 {
		return 0, access.FeatureDefault, false
	}
	known := about.Context{UserId: of.stuck(s.stickTo), Properties: of.properties()}
	for _, r := range d.rules {
		name, on := sdk.variant(s, r.alone, known)
		if !on {
			continue
		}
		if len(s.variants) == 0 {
			return 1, r.why, false
		}
		if way = slices.Index(s.variants, name); way < 0 {
			return 0, access.FeatureDefault, true
		}
		return way, r.why, false
	}
	return 0, d.whyNot(sdk, s, known), false
}

// whyNot says why no rule fitted: the subject's place within a percentage, or who it is.
func (d *definition) whyNot(sdk *evaluator, s Switch, known about.Context) access.Reason {
	for _, r := range d.rules {
		if _, on := sdk.variant(s, r.whole, known); on {
			return access.FeatureRollout
		}
	}
	if d.targets {
		return access.FeatureTargeting
	}
	return access.FeatureDefault
}

// nobody answers in place of Unleash that nothing has changed.
type nobody struct{}

// RoundTrip implements http.RoundTripper.
func (nobody) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusNotModified, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

// nothing is a storage of the SDK's that has no flags.
type nothing struct{}

func (nothing) Init(string, string) {}

func (nothing) Reset(map[string]any, bool) error { return nil }

func (nothing) Load() error { return nil }

func (nothing) Persist() error { return nil }

func (nothing) Get(string) (any, bool) { return nil, false }

func (nothing) List() []any { return nil }
