package postgres_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/testkit/certtest"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

// A server's certificate is verified with its name, and what isn't right ends before a password is sent.
func TestTheWayToTheDatabaseIsVerified(t *testing.T) {
	ours, foreign := certtest.New(t), certtest.New(t)
	certificate, key := ours.Issue(t, "127.0.0.1")
	encrypting(t, certificate, key)
	trusted, other := certtest.File(t, "root.crt", ours.PEM), certtest.File(t, "other.crt", foreign.PEM)
	for name, c := range map[string]struct{ host, query, refused string }{
		"verified":              {"127.0.0.1", "verify-full&sslrootcert=" + trusted, ""},
		"another name":          {"localhost", "verify-full&sslrootcert=" + trusted, "certificate is"},
		"a foreign authority":   {"127.0.0.1", "verify-full&sslrootcert=" + other, "unknown authority"},
		"the machine's own":     {"127.0.0.1", "verify-full", "unknown authority"},
		"encrypted, unverified": {"127.0.0.1", "require", ""},
	} {
		t.Run(name, func(t *testing.T) {
			version, err := wayTo(t, c.host, c.query)
			switch {
			case c.refused == "" && (err != nil || version < "TLSv1.2"):
				t.Errorf("connected by %q: %v", version, err)
			case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)):
				t.Errorf("connected by %q: %v", version, err)
			}
		})
	}
}

// wayTo connects the program's own pools to a database, and asks the server how they came.
func wayTo(t *testing.T, host, sslmode string) (version string, err error) {
	t.Helper()
	of, err := pgx.ParseConfig(pgtest.NewURL(t))
	if err != nil {
		t.Fatal(err)
	}
	cluster := pgtest.Cluster(t)
	address, err := url.Parse(cluster.ProgramURL())
	if err != nil {
		t.Fatal(err)
	}
	address.Host, address.Path, address.RawQuery = net.JoinHostPort(host, address.Port()), "/"+of.Database, "sslmode="+sslmode
	db := openAt(t, address.String())
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := db.Probe(ctx); err != nil {
		return "", err
	}
	err = pgtest.Pool(t, cluster.AdminURL("postgres")).QueryRow(ctx, `SELECT coalesce(version, 'none')
FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) WHERE a.datname = $1`, of.Database).Scan(&version)
	return version, err
}

// encrypting has the cluster take TLS, until the test is over. The key is written by the server, who must own it.
func encrypting(t *testing.T, certificate, key string) {
	t.Helper()
	admin := pgtest.Cluster(t).AdminURL("postgres")
	for name, text := range map[string]string{"tls.crt": certificate, "tls.key": key} {
		pgtest.Execute(t, admin, fmt.Sprintf(`COPY (SELECT unnest(string_to_array('%s', E'\n'))) TO PROGRAM 'umask 077 && cat > %s'`, strings.TrimSpace(text), name))
	}
	for _, statement := range []string{"ALTER SYSTEM SET ssl_cert_file = 'tls.crt'", "ALTER SYSTEM SET ssl_key_file = 'tls.key'", "ALTER SYSTEM SET ssl = on"} {
		pgtest.Execute(t, admin, statement)
	}
	reload(t, admin, "on")
	t.Cleanup(func() {
		for _, name := range []string{"ssl", "ssl_cert_file", "ssl_key_file"} {
			execute(t, admin, "ALTER SYSTEM RESET "+name)
		}
		reload(t, admin, "off")
	})
}

// reload returns once new connections find the setting ssl as it is to be.
func reload(t *testing.T, admin, want string) {
	t.Helper()
	execute(t, admin, "SELECT pg_reload_conf()")
	for deadline := time.Now().Add(20 * time.Second); ; {
		found := ""
		execute(t, admin, "SHOW ssl", &found)
		if found == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("ssl is %s, not %s", found, want)
		}
	}
}

// execute runs a statement over a connection of its own, also while the test is being tidied up.
func execute(t *testing.T, address, statement string, into ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if len(into) > 0 {
		err = conn.QueryRow(ctx, statement).Scan(into...)
	} else {
		_, err = conn.Exec(ctx, statement)
	}
	if err != nil {
		t.Fatal(err)
	}
}
