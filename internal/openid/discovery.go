package openid

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rp"
	httphelper "github.com/zitadel/oidc/v3/pkg/http"
	"github.com/zitadel/oidc/v3/pkg/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"

	"github.com/mediconnect/mediconnect/internal/clock"
	"github.com/mediconnect/mediconnect/internal/errs"
	"github.com/mediconnect/mediconnect/internal/resilience"
)

// saying is what a provider has said of itself.
type saying struct {
	party rp.RelyingParty
	named bool      // its answers name it (RFC 9207)
	until time.Time // that it is believed without asking again
}

// mayBe says whether what came back is the provider's by the issuer that it names (RFC 9207, section 2.4). A code of another one's isn't sent
// to this one.
func (s *saying) mayBe(issuer *string) bool {
	if issuer == nil {
		return !s.named
	}
	return *issuer == s.party.Issuer()
}

// discovered is the provider as it says that it is (OpenID Connect Discovery). Who asks at once shares one question, and waits for its answer no
// longer than they like.
func (p *provider) discovered(ctx context.Context, c clock.Clock) (*saying, error) {
	if said := p.said.Load(); said != nil && c.Now().Before(said.until) {
		return said, nil
	}
	return awaited[*saying](ctx, p.flight.DoChan("", func() (any, error) { return p.discover(c) }))
}

// discover asks the provider. While it doesn't answer, what it said before is better than nothing.
func (p *provider) discover(c clock.Clock) (*saying, error) {
	before := p.said.Load()
	if before != nil && c.Now().Before(before.until) { // another answer came meanwhile
		return before, nil
	}
	said, err := ask(p, p.says)
	switch {
	case err == nil:
		said.until = c.Now().Add(believed)
	case before != nil:
		said = saying{before.party, before.named, c.Now().Add(pause)}
	default:
		return nil, err
	}
	p.said.Store(&said)
	return &said, nil
}

// says reads what the provider says of itself: for the library, and what the library doesn't read.
func (p *provider) says(ctx context.Context) (said saying, err error) {
	if said.party, err = p.relyingParty(ctx); err != nil {
		return said, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(p.Issuer, "/")+oidc.DiscoveryEndpoint, nil)
	if err != nil {
		return said, err
	}
	var more struct {
		Named bool `json:"authorization_response_iss_parameter_supported"`
	}
	err = httphelper.HttpRequest(p.web, r, &more)
	said.named = more.Named
	return said, err
}

func (p *provider) relyingParty(ctx context.Context) (rp.RelyingParty, error) {
	style := oauth2.AuthStyleInHeader
	if p.InBody {
		style = oauth2.AuthStyleInParams
	}
	return rp.NewRelyingPartyOIDC(ctx, p.Issuer, p.ID, p.Secret.Reveal(), "", []string{oidc.ScopeOpenID, oidc.ScopeEmail},
		rp.WithHTTPClient(p.web), rp.WithAuthStyle(style), rp.WithVerifierOpts(
			rp.WithSupportedSigningAlgorithms(algorithms...),
			rp.WithNonce(func(ctx context.Context) string { nonce, _ := ctx.Value(nonceOf{}).(string); return nonce })))
}

// Breaker is how the breakers before all providers stand, taken together: not closed while that of any isn't.
func (p *Providers) Breaker() resilience.State {
	all := resilience.State{State: closed}
	for _, one := range p.known {
		s := one.breaker.State()
		if s.State != closed {
			all.State = s.State
		}
		all.Succeeded, all.Failed, all.Kept, all.Opened = all.Succeeded+s.Succeeded, all.Failed+s.Failed, all.Kept+s.Kept, all.Opened+s.Opened
	}
	return all
}

const closed = "closed"

// called is what the provider answers to a question of a caller's own. The question doesn't end because whoever waits for it has gone, who
// doesn't wait for its end either.
func called[T any](ctx context.Context, p *provider, question func(context.Context) (T, error)) (T, error) {
	answers := make(chan singleflight.Result, 1)
	go func() {
		answer, err := ask(p, question)
		answers <- singleflight.Result{Val: answer, Err: err}
	}()
	return awaited[T](ctx, answers)
}

// awaited is an answer that comes before the caller's time is up.
func awaited[T any](ctx context.Context, answers <-chan singleflight.Result) (none T, err error) {
	select {
	case <-ctx.Done():
		return none, errs.TryAgain(ctx.Err())
	case answer := <-answers:
		got, _ := answer.Val.(T)
		return got, answer.Err
	}
}

// ask asks the provider within its time, unless it has failed too often just now. It fails with errs.Busy, but where the fault is the
// program's own: that is to be logged, and no wait mends it.
func ask[T any](p *provider, question func(context.Context) (T, error)) (answer T, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var fault error
	err = p.breaker.Do(func() (err error) {
		defer func() {
			if cause := recover(); cause != nil { // or it would end the process
				fault = errs.Bug("ask "+p.Name, errors.New(errs.Panicked(cause)))
				err = fault
			}
		}()
		answer, err = question(ctx)
		return err
	})
	switch {
	case fault != nil:
		return answer, fault
	case err != nil:
		return answer, errs.TryAgain(err)
	}
	return answer, nil
}
