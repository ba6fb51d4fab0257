package app

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/sample"
)

// inbox is everybody's.
type inbox struct {
	mu      sync.Mutex
	letters []identity.Letter
}

// Send takes every mail.
func (i *inbox) Send(_ context.Context, l identity.Letter) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.letters = append(i.letters, l)
	return nil
}

// mailed has what is due delivered, and answers it.
func (a *api) mailed(t *testing.T) []identity.Letter {
	t.Helper()
	var to inbox
	if _, err := a.app.mailing.Deliver(t.Context(), &to, 100); err != nil {
		t.Fatal(err)
	}
	return to.letters
}

// codeFor is the code that is mailed to an address.
func (a *api) codeFor(t *testing.T, email string) string {
	t.Helper()
	letters := a.mailed(t)
	at := slices.IndexFunc(letters, func(l identity.Letter) bool { return l.To.Reveal() == email && l.Code != "" })
	if at < 0 {
		t.Fatalf("no code among %d mails", len(letters))
	}
	return letters[at].Code.Reveal()
}

// account makes one with a password that nobody knows.
func (a *api) account(t *testing.T, organization uuid.UUID, role access.Role, email string) identity.Account {
	t.Helper()
	made := identity.Account{
		OrganizationID: organization, ID: sample.NewID(), Version: 1, Role: role, Email: access.Private(email), Locale: "en", CreatedAt: a.clock.Now(),
	}
	by := clinic.Stamp{Actor: access.Actor{Kind: access.System}, At: a.clock.Now(), AuditID: sample.NewID()}
	if added, err := postgres.NewAccounts(a.app.db).Create(t.Context(), by, made, "no hash"); err != nil || !added {
		t.Fatal(added, err)
	}
	return made
}

// addressNobodyHas is another one each time.
func addressNobodyHas() string { return fmt.Sprintf("%s@mail.example", sample.NewID()) }
