package pgtest_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/postgres/migrate"
	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func TestEachTestHasAMigratedWorldOfItsOwn(t *testing.T) {
	one, two := pgtest.New(t), pgtest.New(t)
	insert := `INSERT INTO organizations (id, name, created_at) VALUES (gen_random_uuid(), 'Sample', now())`
	if _, err := one.Exec(t.Context(), insert); err != nil {
		t.Fatal(err)
	}
	if a, b := organizations(t, one), organizations(t, two); a != 1 || b != 0 {
		t.Errorf("a row written in one world is seen %d times there and %d times in the other", a, b)
	}
	if version, err := migrate.Current(t.Context(), two); err != nil || version != migrate.Latest() {
		t.Errorf("schema version is %d (%v), want %d", version, err, migrate.Latest())
	}
}

func TestNeitherTheOwnerNorTheProgramIsASuperuser(t *testing.T) {
	program := pgtest.NewURL(t)
	for _, url := range []string{program, pgtest.OwnerURL(t, program)} {
		var powers int
		const query = "SELECT rolsuper::int + rolbypassrls::int FROM pg_roles WHERE rolname = current_user"
		if err := pgtest.Pool(t, url).QueryRow(t.Context(), query).Scan(&powers); err != nil || powers != 0 {
			t.Errorf("%s has %d powers beyond an ordinary role's (%v)", url, powers, err)
		}
	}
}

func TestADatabaseIsGoneAfterItsTest(t *testing.T) {
	t.Run("inner", func(t *testing.T) { pgtest.New(t) })
	pool, err := pgxpool.New(t.Context(), pgtest.Cluster(t).AdminURL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	var left int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname LIKE 'test%'").Scan(&left); err != nil {
		t.Fatal(err)
	}
	if left != 0 {
		t.Errorf("%d databases are left after their tests", left)
	}
}

// The test runs itself again as a child that is killed, and looks at what remains.
func TestNothingSurvivesAKilledTestProcess(t *testing.T) {
	if os.Getenv("PGTEST_CHILD") != "" {
		os.Stdout.WriteString(pgtest.Cluster(t).AdminURL("postgres") + "\n")
		<-context.Background().Done()
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestNothingSurvivesAKilledTestProcess$")
	cmd.Env = append(os.Environ(), "PGTEST_CHILD=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 1024)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	url := strings.TrimSpace(string(line[:n]))
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	awaitRefusal(t, url)
}

func awaitRefusal(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		conn, err := pgx.Connect(ctx, url)
		if err != nil {
			return
		}
		_, _ = conn.Exec(ctx, "SELECT pg_sleep(10)") // ends early when the server does
		conn.Close(ctx)
	}
	t.Error("the server of a killed test process still answers")
}

func organizations(t *testing.T, pool *pgxpool.Pool) (count int) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM organizations").Scan(&count); err != nil {
		t.Fatal(err)
	}
	return count
}
