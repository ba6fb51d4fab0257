package migrations_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/grants.txt anew")

const grantsFile = "testdata/grants.txt"

// What each role may do, a line for each object: whole tables and sequences first, then columns.
const grants = `
WITH held AS (
	SELECT CASE WHEN g.grantee = 0 THEN 'everybody' ELSE g.grantee::regrole::text END AS role, c.relname::text AS object, lower(g.privilege_type) AS privilege
	FROM pg_class c, aclexplode(c.relacl) g
	WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'S') AND g.grantee <> c.relowner
), held_columns AS (
	SELECT CASE WHEN g.grantee = 0 THEN 'everybody' ELSE g.grantee::regrole::text END AS role, c.relname::text AS object, lower(g.privilege_type) AS privilege, a.attname
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0, aclexplode(a.attacl) g
	WHERE c.relnamespace = 'public'::regnamespace AND g.grantee <> c.relowner
)
SELECT line FROM (
	SELECT role || ': ' || object || ' ' || string_agg(privilege, ', ' ORDER BY privilege) AS line FROM held GROUP BY role, object
	UNION ALL
	SELECT role || ': ' || object || ' ' || privilege || ' (' || string_agg(attname, ', ' ORDER BY attname) || ')' FROM held_columns GROUP BY role, object, privilege
) lines ORDER BY line COLLATE "C"`

// Nobody gains a right in passing: whoever changes one changes the file, too. It is written anew with -rewrite.
func TestTheRolesMayDoWhatIsWritten(t *testing.T) {
	rows, _ := pgtest.New(t).Query(t.Context(), grants)
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(lines, "\n") + "\n"
	if *rewrite {
		if err := os.WriteFile(grantsFile, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(grantsFile)
	if err != nil {
		t.Fatal(err)
	}
	old := strings.Split(string(want), "\n")
	for _, line := range lines {
		if !slices.Contains(old, line) {
			t.Errorf("nobody wrote of: %s", line)
		}
	}
	for _, line := range old {
		if line != "" && !slices.Contains(lines, line) {
			t.Errorf("it isn't so: %s", line)
		}
	}
}
