package app

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/mediconnect/mediconnect/graph/globalid"
	"github.com/mediconnect/mediconnect/graph/policy"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/testkit/gqltest"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// opened is a session of somebody's.
func (a *api) openSession(t *testing.T, who access.Actor) identity.Tokens {
	t.Helper()
	tokens, err := a.app.sessions.Open(t.Context(), identity.Start{Client: "test", Account: identity.Account{
		OrganizationID: who.Organization, ID: who.ID, Role: who.Role, ProviderID: who.ProviderID,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// signedIn is the server as somebody reaches it who signs in again when they have been signed out.
type signedIn struct {
	*api
	token atomic.Pointer[string]
}

func (s *signedIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Header.Set("Authorization", "Bearer "+*s.token.Load())
	s.Handler.ServeHTTP(w, r)
}

func (s *signedIn) again(t *testing.T, who access.Actor) {
	t.Helper()
	token := s.openSession(t, who).Access.Reveal()
	s.token.Store(&token)
}

// sessionless are columns whose callers came with the token of an issuer outside.
var sessionless = map[string]bool{policy.Patient: true, policy.Integrator: true, policy.Scopeless: true}

// enter is how the caller of a column reaches the server.
func (r *realm) enter(column string, who access.Actor) gqltest.Client {
	if sessionless[column] {
		return r.by(who)
	}
	s := &signedIn{api: r.api}
	s.again(r.t, who)
	return gqltest.Client{Handler: s}
}

// sessionChanges are inputs of changes of who is signed in.
func (r *realm) sessionChanges(t *testing.T, p person) map[string]func() []inputFor {
	s := r.here
	ours := subject{organization: s.Organization}
	somebody := func() (access.Actor, identity.Tokens) {
		who := staffOf(s.Organization, access.FrontDesk)
		return who, r.openSession(t, who)
	}
	idOf := func(of identity.Tokens) string {
		return globalid.Of(globalid.Session, clinic.Ref{Organization: of.OrganizationID, ID: of.SessionID})
	}
	presented := func() vars {
		_, tokens := somebody()
		return vars{"refreshToken": tokens.Refresh.Reveal()}
	}
	owning, _ := p.Handler.(*signedIn)
	own := owning != nil && p.column != policy.OtherTenant
	return map[string]func() []inputFor{
		"refreshSession": func() []inputFor { return []inputFor{{input: presented}} },
		"signOut":        func() []inputFor { return []inputFor{{input: presented}} },
		"signOutEverywhere": func() []inputFor {
			list := []inputFor{{about: ours, input: func() vars {
				who, _ := somebody()
				return vars{"accountId": s.id(globalid.Account, who.ID)}
			}}}
			if own {
				account := globalid.Of(globalid.Account, clinic.Ref{Organization: p.actor.Organization, ID: p.actor.ID})
				list = append(list, inputFor{about: ours, own: true, input: func() vars { return vars{"accountId": account} },
					done: func(gqltest.Answer) { owning.again(t, p.actor) }})
			}
			return list
		},
		"revokeSession": func() []inputFor {
			list := []inputFor{{about: ours, input: func() vars {
				_, tokens := somebody()
				return vars{"sessionId": idOf(tokens)}
			}}}
			if own {
				list = append(list, inputFor{about: ours, own: true, input: func() vars { return vars{"sessionId": idOf(r.openSession(t, p.actor))} }})
			}
			return list
		},
	}
}

func TestSignOutWithoutASessionIsToldSo(t *testing.T) {
	a := newAPI(t)
	const signOut = `mutation { signOut(input: {}) { errors { ... on UserError { code } } } }`
	if answer := a.Post(t, signOut, nil); answer.Code() != "UNAUTHENTICATED" {
		t.Errorf("nobody: %s", answer.Raw)
	}
	if answer := a.by(a.clinic.FrontDesk()).Post(t, signOut, nil).OK(t); answer.Text("signOut", "errors", 0, "code") != "FORBIDDEN" {
		t.Errorf("a token from outside: %s", answer.Raw)
	}
	const revoke = `mutation($id: ID!) { revokeSession(input: {sessionId: $id}) { errors { ... on UserError { code path } } } }`
	desk := a.As(a.openSession(t, a.clinic.FrontDesk()).Access.Reveal())
	for _, id := range []string{
		a.id(globalid.Session, clinic.Ref{Organization: a.clinic.Organization, ID: sample.NewID()}), a.id(globalid.Session, clinic.Ref{Organization: sample.NewID(), ID: sample.NewID()}),
	} {
		if answer := desk.Post(t, revoke, vars{"id": id}); failure(answer, "revokeSession") != "NOT_FOUND input sessionId" {
			t.Errorf("a session that never was: %s", answer.Raw)
		}
	}
}

// A session is no node, so nobody asks for one but to end it.
func TestASessionOfSomebodyElseIsToldFromWhatNeverWasByNobody(t *testing.T) {
	r := newRealm(t)
	asked := 0
	for _, p := range r.people {
		if row, _ := r.table.Row("Mutation", "revokeSession"); row.For(p.column) != policy.Own {
			continue // administrators find them, and others are refused whatever they name
		}
		for _, ask := range r.requests(t, p, globalid.Session) {
			if !strings.HasPrefix(ask.what, "revokeSession") {
				continue
			}
			asked++
			for name, s := range map[string]*site{"their own organisation": r.here, "another one": r.there} {
				first, statements := r.heard(t, p, ask, s.id(globalid.Session, sample.NewID()))
				somebodys := r.openSession(t, staffOf(s.Organization, access.FrontDesk))
				second, needed := r.heard(t, p, ask, s.id(globalid.Session, somebodys.SessionID))
				if first != second || !strings.Contains(first, "NOT_FOUND") || len(statements) != len(needed) {
					t.Errorf("%s: of a session in %s is told, after %d statements,\n%s\nand of one that never was, after %d,\n%s", p.column, name, len(needed), second, len(statements), first)
				}
				if r.kind(t, somebodys.Access.Reveal()) == "" {
					t.Errorf("%s has ended a session in %s", p.column, name)
				}
			}
		}
	}
	if asked < 5 {
		t.Errorf("only %d have asked", asked)
	}
}
