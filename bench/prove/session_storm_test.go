package prove_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mediconnect/mediconnect/bench/rig"
)

// What clients with a session ask.
const (
	askWhoIAm = `{ viewer { kind } appointments(first: 1) { edges { node { id } } } }`
	signingIn = `mutation($in: SignInInput!) { signIn(input: $in) { tokens { accessToken refreshToken } errors { ... on UserError { code message } } } }`
	renewing  = `mutation($in: RefreshSessionInput!) { done: refreshSession(input: $in) { tokens { accessToken refreshToken } errors { ... on UserError { code message } } } }`
	leaving   = `mutation { done: signOut(input: {}) { errors { ... on UserError { code message } } } }`
)

// tokens are a session's, as its client keeps them.
type tokens struct{ AccessToken, RefreshToken string }

// holder is a client that stays signed in. It does one thing at a time.
type holder struct {
	mu sync.Mutex
	tokens
}

// crowdOf is everybody who is signed in while Redis fails, over several servers of one service.
type crowdOf struct {
	t       *testing.T
	size    load
	servers []*rig.Server
	http    *http.Client

	holders, leavers []*holder
	attacker         *holder

	mu      sync.Mutex
	gone    []tokens // of sessions that were ended, since when nobody may accept them
	took    []time.Duration
	faults  map[string]int
	signed  atomic.Int64 // holders who were told to sign in again
	let     atomic.Int64 // requests of sessions that had ended which were answered
	probed  atomic.Int64 // of all such
	allowed atomic.Int64 // executions of somebody who asks too often
	refused atomic.Int64
}

func (c *crowdOf) anywhere() *rig.Server { return c.servers[rand.N(len(c.servers))] }

// post asks a server and says with which status it answered, and with which error.
func (c *crowdOf) post(ctx context.Context, s *rig.Server, token, document string, in, data any) (status int, code string, err error) {
	status, text, err := rig.Client{Server: s, Token: token, HTTP: c.http}.Post(ctx, document, map[string]any{"in": in})
	if err != nil {
		return 0, "", err
	}
	var failed *rig.TopError
	if err := rig.Read(text, data); errors.As(err, &failed) {
		return status, failed.Code, nil
	} else if err != nil {
		return status, "", fmt.Errorf("status %d: %w", status, err)
	}
	return status, "", nil
}

// turn has a holder ask something, or renew the tokens now and then. A token that has expired is renewed, as clients do.
func (c *crowdOf) turn(ctx context.Context, h *holder) {
	h.mu.Lock()
	defer h.mu.Unlock()
	began, renews := time.Now(), rand.N(10) == 0
	status, code, err := c.ask(ctx, h, renews)
	if !renews && code == "UNAUTHENTICATED" {
		if status, code, err = c.ask(ctx, h, true); code == "" {
			status, code, err = c.ask(ctx, h, false)
		}
	}
	if ctx.Err() != nil {
		return
	}
	if code == "UNAUTHENTICATED" || code == sessionEnded {
		c.signed.Add(1)
	}
	c.note(time.Since(began), status, code, err)
}

func (c *crowdOf) ask(ctx context.Context, h *holder, renews bool) (status int, code string, err error) {
	if renews {
		return c.renew(ctx, h)
	}
	var data json.RawMessage
	return c.post(ctx, c.anywhere(), h.AccessToken, askWhoIAm, nil, &data)
}

// sessionEnded is what somebody is told whose session is over.
const sessionEnded = "SESSION_ENDED"

type renewal struct {
	Done struct {
		Tokens *tokens
		Errors []struct{ Code string }
	}
}

// renew renews the tokens, without the one that may have expired.
func (c *crowdOf) renew(ctx context.Context, h *holder) (status int, code string, err error) {
	var told renewal
	status, code, err = c.post(ctx, c.anywhere(), "", renewing, map[string]any{"refreshToken": h.RefreshToken}, &told)
	if err == nil && code == "" && told.Done.Tokens != nil {
		h.tokens = *told.Done.Tokens
		return status, "", nil
	}
	if len(told.Done.Errors) > 0 {
		code = told.Done.Errors[0].Code
	}
	return status, code, err
}

func (c *crowdOf) note(took time.Duration, status int, code string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.took = append(c.took, took)
	switch {
	case err != nil:
		c.faults[err.Error()]++
	case code != "" || status != http.StatusOK:
		c.faults[fmt.Sprintf("status %d %s", status, code)]++
	}
}

// part has somebody sign out, and looks at once whether any server still takes them for signed in.
func (c *crowdOf) part(ctx context.Context, h *holder) {
	var told renewal
	status, code, err := c.post(ctx, c.anywhere(), h.AccessToken, leaving, nil, &told)
	if ctx.Err() != nil {
		return
	}
	if err != nil || code != "" || len(told.Done.Errors) > 0 {
		c.note(0, status, "sign out: "+code, err)
		return
	}
	c.mu.Lock()
	c.gone = append(c.gone, h.tokens)
	c.mu.Unlock()
	for _, s := range c.servers {
		c.probe(ctx, s, h.tokens)
	}
}

// probe tries to get in with what was signed out.
func (c *crowdOf) probe(ctx context.Context, s *rig.Server, with tokens) {
	var data json.RawMessage
	c.probed.Add(2)
	if _, code, err := c.post(ctx, s, with.AccessToken, askWhoIAm, nil, &data); err == nil && code == "" {
		c.let.Add(1)
	}
	var told renewal
	if _, code, err := c.post(ctx, s, "", renewing, map[string]any{"refreshToken": with.RefreshToken}, &told); err == nil && code == "" && told.Done.Tokens != nil {
		c.let.Add(1)
	}
}

// probeOne tries it with one of all who have signed out.
func (c *crowdOf) probeOne(ctx context.Context) {
	c.mu.Lock()
	var with tokens
	if len(c.gone) > 0 {
		with = c.gone[rand.N(len(c.gone))]
	}
	c.mu.Unlock()
	if with != (tokens{}) {
		c.probe(ctx, c.anywhere(), with)
	}
}

// attack asks as often as it is answered.
func (c *crowdOf) attack(ctx context.Context, h *holder) {
	var data json.RawMessage
	status, code, err := c.post(ctx, c.anywhere(), h.AccessToken, `{ viewer { kind } }`, nil, &data)
	switch {
	case ctx.Err() != nil:
	case status == http.StatusTooManyRequests:
		c.refused.Add(1)
	case err == nil && code == "":
		c.allowed.Add(1)
	default:
		c.note(0, status, "attacker: "+code, err)
	}
}

// beat does something so many times a second, whether the times before are done or not, until ctx ends.
func beat(ctx context.Context, all *sync.WaitGroup, perSecond int, do func()) {
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			all.Go(do)
		}
	}
}

// within95 is how long 95 of 100 took at most.
func within95(took []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(took))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)*95/100]
}
