package prove_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/mediconnect/mediconnect/bench/rig"
	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/identity"
	"github.com/mediconnect/mediconnect/internal/keyring"
	"github.com/mediconnect/mediconnect/internal/postgres"
	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

const password = "a long walk by the sea"

// newCrowd has two servers over one database and a Redis behind Sentinels, and people signed in to them with a password.
func newCrowd(t *testing.T, redis *redistest.Replicated, size load) *crowdOf {
	t.Helper()
	world.once.Do(func() { world.err = build() })
	if world.err != nil {
		t.Fatal(world.err)
	}
	c := &crowdOf{t: t, size: size, http: rig.NewHTTP(500), faults: map[string]int{}}
	url, err := world.rig.NewDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c.serve(url, redis)
	town, err := world.rig.NewClinic(t.Context(), c.servers[0], &rig.Client{HTTP: c.http})
	if err != nil {
		t.Fatal(err)
	}
	leavers := int(lasting(size)/(size.pause/leaversInAPause)) + 10
	addresses := c.accounts(url, town, size.sessions+leavers+1)
	all := make([]*holder, len(addresses))
	var signing errgroup.Group
	signing.SetLimit(4)
	for i, address := range addresses {
		signing.Go(func() (err error) {
			all[i], err = c.signIn(t.Context(), town, address)
			return err
		})
	}
	if err := signing.Wait(); err != nil {
		t.Fatal(err)
	}
	c.attacker, c.holders, c.leavers = all[0], all[1:1+size.sessions], all[1+size.sessions:]
	return c
}

// lasting is about how long all faults take.
func lasting(size load) time.Duration { return size.away + 20*size.pause + 2*time.Minute }

// serve starts the servers.
func (c *crowdOf) serve(url string, redis *redistest.Replicated) {
	c.t.Helper()
	was := world.rig.Environ
	defer func() { world.rig.Environ = was }()
	world.rig.Environ = append(append([]string{}, was...), "MEDICONNECT_PUBLIC_URL=http://api.clinic.example",
		"MEDICONNECT_REDIS_SENTINELS="+strings.Join(redis.Sentinels(), ","), "MEDICONNECT_REDIS_MASTER="+redistest.PrimaryName,
		"MEDICONNECT_REDIS_PASSWORD="+redis.Password, "MEDICONNECT_REDIS_SENTINEL_PASSWORD="+redis.Password,
		"MEDICONNECT_RATE_LIMIT_PATIENT="+strconv.Itoa(perMinute))
	for range 2 {
		s, err := world.rig.Serve(c.t.Context(), url, connections)
		if err != nil {
			c.t.Fatal(err)
		}
		c.t.Cleanup(func() { _ = s.Kill() })
		c.servers = append(c.servers, s)
	}
}

// accounts makes patients' accounts with a password.
func (c *crowdOf) accounts(url string, town *rig.Clinic, n int) (addresses []string) {
	c.t.Helper()
	pool, err := world.rig.Open(c.t.Context(), url, 4)
	if err != nil {
		c.t.Fatal(err)
	}
	defer pool.Close()
	keys, err := keyring.Open(world.rig.Keys)
	if err != nil {
		c.t.Fatal(err)
	}
	db := postgres.New(pool, keys)
	defer db.Close()
	hash, err := argon2id.CreateHash(password, &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		c.t.Fatal(err)
	}
	of, err := town.Ref(town.Organization)
	if err != nil {
		c.t.Fatal(err)
	}
	for i := range n {
		a := identity.Account{
			OrganizationID: of.ID, ID: uuid.New(), Version: 1, Role: access.PatientRole, Locale: "en", CreatedAt: time.Now(),
			Email: access.Private(fmt.Sprintf("patient-%d@example.org", i)),
		}
		if _, err := postgres.NewAccounts(db).Create(c.t.Context(), clinic.Stamp{At: time.Now(), AuditID: uuid.New()}, a, hash); err != nil {
			c.t.Fatal(err)
		}
		addresses = append(addresses, a.Email.Reveal())
	}
	return addresses
}

func (c *crowdOf) signIn(ctx context.Context, town *rig.Clinic, address string) (*holder, error) {
	var told struct {
		SignIn struct {
			Tokens *tokens
			Errors []struct{ Code, Message string }
		}
	}
	in := map[string]any{"organizationId": town.Organization, "email": address, "password": password, "client": "prove"}
	status, code, err := c.post(ctx, c.anywhere(), "", signingIn, in, &told)
	if err != nil || told.SignIn.Tokens == nil {
		return nil, fmt.Errorf("sign in: status %d %s %+v: %w", status, code, told.SignIn.Errors, err)
	}
	return &holder{tokens: *told.SignIn.Tokens}, nil
}
