package migrations_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// What the rules of the catalogue except by name. A name that no longer exists is a fault, too.
var named = pgx.NamedArgs{
	// Tables of no tenant. Everything else is a tenant's and is distributed by its organisation.
	"global": []string{"organizations", "platform_idempotency_keys", "log_epoch", "stream_tickets", "instances", "signing_keys", "revocations", "opt_outs", "conflict_fallbacks", "goose_db_version"},
	// Columns of wall-clock time, whose zone is the location's or the patient's.
	"wall_clock": []string{
		"appointments.local_start", "waitlist_offers.local_start", "waitlist_offers.local_expires", "waitlist_offers.local_was", "schedule_exceptions.local_from", "schedule_exceptions.local_to", "closures.local_from", "closures.local_to",
		"goose_db_version.tstamp", // the migration tool's own
	},
	// Columns of a patient's row that say nothing about the patient: keys, and digests under a secret.
	"open": []string{"organization_id", "id", "identifier_system", "identifier_token", "erased_at"},
	// Columns about patients in other tables, and what else is sealed.
	"private": []string{
		"appointments.reason", "appointments.cancel_note", "appointment_identifiers.value", "schedule_exceptions.reason", "legal_holds.reason",
		"break_glass_grants.reason", "break_glass_grants.note",
		"account_notes.email", "accounts.email", "accounts.totp_secret", "sign_in_challenges.totp_secret", "signing_keys.private_key", "messages.recipient", "waitlist_entries.wanted", "closures.reason",
	},
	// Columns that sound like a patient's and are the clinic's, or a choice from a list.
	"public": []string{
		"organizations.name", "insurance_plans.name", "locations.name", "locations.phone", "locations.address_lines", "visit_kinds.name", "resources.name", "providers.name", "api_clients.name", "api_keys.name",
		"appointments.cancel_reason",
		"account_codes.email_token", "account_notes.email_token", "accounts.email_token", "sign_in_tries.email_token", // digests under a secret
	},
	// Columns where a rounding error harms nobody.
	"inexact": []string{"locations.latitude", "locations.longitude"},
	// Policies by which a role sees more than one tenant, each for a role that does one thing.
	"crossing": []string{
		"appointments.sweeping", "audit_chain.dropping", "audit_chain.sweeping", "audit_events.dropping", "audit_events.sweeping",
		"audit_pruned.dropping", "claims.sweeping", "event_log.relaying", "event_log.sweeping", "former_rules.public_reading", "former_rules.sweeping", "holds.sweeping", "idempotency_keys.sweeping",
		"legal_holds.sweeping", "patient_invitations.dropping", "invitation_tries.sweeping", "patient_invitations.sweeping", "patients.sweeping", "account_links.signing_in",
		"claims.public_reading", "date_hours.public_reading", "desks.public_reading", "insurance_plans.public_reading", "locations.public_reading",
		"party_days.public_reading", "provider_plans.public_reading", "provider_specialties.public_reading", "provider_visit_kinds.public_reading",
		"providers.public_reading", "schedule_exceptions.public_reading", "schedules.public_reading", "visit_kinds.public_reading",
		"window_counts.public_reading", "sign_in_tries.sweeping", "sign_in_challenges.sweeping", "openid_attempts.sweeping",
		"account_codes.sweeping", "account_notes.sweeping", "message_counts.sweeping",
		"sessions.noting", "sessions.sweeping", "session_refreshes.sweeping",
		"message_notices.delivering", "message_replans.delivering", "visits_to_equip.equipping", "waitlist_entries.sweeping", "waitlist_offers.sweeping", "waitlist_turns.matching", "closures.rebooking", "messages.delivering", "message_attempts.delivering", "dead_letters.delivering",
		"message_replies.delivering", "message_replies.sweeping", "message_counts.delivering",
		"message_notices.sweeping", "messages.sweeping", "message_attempts.sweeping", "dead_letters.sweeping",
		"conflict_counts.sweeping", "conflict_disagreements.sweeping",
	},
	// What may read the clock, since no decision follows from it.
	"idle": []string{"goose_db_version.tstamp by default"},
}

// rules read the catalogue; each answers its faults, a row each.
var rules = []struct{ name, query string }{
	{"each table has its organisation", `
		SELECT t.relname || ' is no global table by name, and has no column organization_id uuid NOT NULL' FROM own_tables t
		WHERE t.relname <> ALL (@global) AND NOT EXISTS (SELECT FROM pg_attribute a
			WHERE a.attrelid = t.oid AND a.attname = 'organization_id' AND a.atttypid = 'uuid'::regtype AND a.attnotnull)`},
	{"each table has a primary key", `
		SELECT t.relname || ' has no primary key' FROM own_tables t
		WHERE NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t.oid AND i.indisprimary)`},
	{"what is unique is unique in its organisation", `
		SELECT t.relname || ': ' || i.indexrelid::regclass || ' does not lead with organization_id'
		FROM own_tables t JOIN pg_index i ON i.indrelid = t.oid LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype = 'x'
		WHERE t.relname <> ALL (@global) AND (i.indisunique OR i.indisexclusion)
		  AND (organization_of(t.oid) IS DISTINCT FROM i.indkey[0]
			OR i.indisexclusion AND (SELECT o.oprname FROM pg_operator o WHERE o.oid = c.conexclop[1]) <> '=')`},
	{"a reference stays in its organisation", `
		SELECT t.relname || ': ' || c.conname || ' does not lead with organization_id on both sides'
		FROM own_tables t JOIN pg_constraint c ON c.conrelid = t.oid AND c.contype = 'f' JOIN pg_class r ON r.oid = c.confrelid
		WHERE organization_of(t.oid) IS DISTINCT FROM c.conkey[1]
		   OR r.relname = 'organizations' AND cardinality(c.conkey) <> 1
		   OR r.relname <> 'organizations' AND organization_of(r.oid) IS DISTINCT FROM c.confkey[1]`},
	{"the database keeps tenants apart", `
		SELECT t.relname || ' does not force row-level security' FROM own_tables t JOIN pg_class c ON c.oid = t.oid
		WHERE t.relname <> ALL (@global) AND NOT (c.relrowsecurity AND c.relforcerowsecurity)
		UNION ALL SELECT t.relname || ' has no policy for one tenant at a time' FROM own_tables t
		WHERE t.relname <> ALL (@global) AND NOT EXISTS (SELECT FROM own_policies p
			WHERE p.relname = t.relname AND p.one_tenant AND p.roles = '{mediconnect_app}' AND p.cmd = '*')`},
	{"a policy that crosses tenants is one by name", `
		SELECT p.name || ' lets ' || array_to_string(p.roles, ', ') || ' see more than one tenant' FROM own_policies p
		WHERE NOT p.one_tenant AND p.name <> ALL (@crossing)
		UNION ALL SELECT p.name || ' is for ' || array_to_string(p.roles, ', ') FROM own_policies p
		WHERE cardinality(p.roles) <> 1 OR p.roles[1] !~ '^mediconnect_' OR NOT p.one_tenant AND p.roles[1] IN ('mediconnect_app', 'mediconnect_chainer')`},
	{"no role is above the policies", `
		SELECT rolname || ' is above row-level security' FROM pg_roles WHERE rolname ~ '^mediconnect' AND (rolsuper OR rolbypassrls)
		UNION ALL SELECT rolname || ' has by itself what the roles that it can become have' FROM pg_roles WHERE rolname = 'mediconnect_server' AND rolinherit
		UNION ALL SELECT c.relname || ' belongs to ' || r.rolname FROM own_tables t JOIN pg_class c ON c.oid = t.oid JOIN pg_roles r ON r.oid = c.relowner
		WHERE r.rolname ~ '^mediconnect_'`},
	{"a function runs as its caller", `
		SELECT 'function ' || p.proname || ' runs as its owner' FROM pg_proc p
		WHERE p.prosecdef AND p.pronamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema')
		  AND p.proname <> 'analyze_table'`},
	{"an instant has its zone", `
		SELECT n.name || ' is a ' || n.type || ', and is no wall-clock column by name' FROM own_columns n
		WHERE n.type ~ '^time' AND n.type !~ '^timestamp(\(\d\))? with time zone' AND n.name <> ALL (@wall_clock)`},
	{"nothing in the database reads the clock or knows zones", `
		SELECT w.name || ' says ' || (regexp_match(w.text, w.words, 'i'))[1] FROM own_words w
		WHERE w.text ~* w.words AND w.name <> ALL (@idle)`},
	{"what is said about a patient is private", `
		SELECT n.name || ' is ' || n.type || ', not private' FROM own_columns n
		WHERE n.type <> 'private' AND (n.relname = 'patients' AND n.attname <> ALL (@open) OR n.name = ANY (@private)
			OR n.name <> ALL (@public)
				AND n.attname ~ 'name(_|$)|birth|mail|phone|address|reason|(^|_)notes?(_|$)|comment|ssn|insur|diagnos')`},
	{"private is bytes", `
		SELECT 'private is ' || format_type(typbasetype, NULL) FROM pg_type WHERE typname = 'private' AND typbasetype <> 'bytea'::regtype`},
	{"money is whole minor units, and nothing is inexact", `
		SELECT n.name || ' is ' || n.type FROM own_columns n
		WHERE n.type ~ '^(money|real|double precision)' AND n.name <> ALL (@inexact)
		   OR n.attname ~ '(amount|price|fee|cost)(_|$)' AND n.attname !~ '_currency$' AND n.type <> 'integer'`},
	{"spans can be searched without an operator that leaks", `
		SELECT t || ' has no btree on starts_at and ends_at' FROM unnest('{claims,appointments}'::text[]) t
		WHERE NOT EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam
			WHERE i.indrelid = t::regclass AND m.amname = 'btree' AND i.indkey[0] = organization_of(t::regclass)
			  AND 2 = (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
				AND a.attname IN ('starts_at', 'ends_at')))`},
	{"the names that are excepted exist", `
		SELECT n || ' is excepted by name and does not exist' FROM unnest(@wall_clock::text[] || @private::text[] || @public::text[] || @inexact::text[]) n
		WHERE n NOT IN (SELECT name FROM own_columns)
		UNION ALL SELECT n || ' crosses tenants by name and does not exist' FROM unnest(@crossing::text[]) n WHERE n NOT IN (SELECT name FROM own_policies)
		UNION ALL SELECT n || ' is global by name and does not exist' FROM unnest(@global::text[]) n WHERE n NOT IN (SELECT relname FROM own_tables)
		UNION ALL SELECT 'patients.' || n || ' is open by name and does not exist' FROM unnest(@open::text[]) n
			WHERE 'patients.' || n NOT IN (SELECT name FROM own_columns)`},
}

// views are what the rules look at: the migrations' own objects, without those of extensions.
const views = `
	CREATE TEMPORARY VIEW own_tables AS SELECT oid, relname FROM pg_class
		WHERE relnamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema')
		  AND relkind IN ('r', 'p', 'f');
	CREATE TEMPORARY VIEW own_columns AS SELECT t.oid, t.relname, a.attname, t.relname || '.' || a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
		FROM own_tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped;
	CREATE TEMPORARY VIEW own_policies AS SELECT t.relname, t.relname || '.' || p.polname AS name, p.polcmd AS cmd,
			ARRAY(SELECT coalesce(r.rolname, 'everybody') FROM unnest(p.polroles) o LEFT JOIN pg_roles r ON r.oid = o) AS roles,
			pg_get_expr(p.polqual, p.polrelid) = '(organization_id = ( SELECT current_organization() AS current_organization))'
				AND p.polwithcheck IS NULL AND p.polpermissive AS one_tenant
		FROM pg_policy p JOIN own_tables t ON t.oid = p.polrelid;
	CREATE FUNCTION pg_temp.organization_of(t oid) RETURNS smallint LANGUAGE sql AS
		$$ SELECT attnum FROM pg_attribute WHERE attrelid = t AND attname = 'organization_id' $$;
	CREATE TEMPORARY VIEW own_words AS
		WITH own_functions AS (
			SELECT oid, proname::text FROM pg_proc p WHERE prokind IN ('f', 'p', 'w') AND prolang <> (SELECT oid FROM pg_language WHERE lanname = 'c')
			  AND pronamespace NOT IN (SELECT oid FROM pg_namespace WHERE nspname ~ '^pg_' OR nspname = 'information_schema')
			  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e')
		), texts AS (
			SELECT 'function ' || proname AS name, regexp_replace(pg_get_functiondef(oid), '--[^\n]*', '', 'g') AS text FROM own_functions
			UNION ALL SELECT c.name || ' by default', pg_get_expr(d.adbin, d.adrelid)
				FROM pg_attrdef d JOIN own_columns c ON c.oid = d.adrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = c.attname AND a.attnum = d.adnum
			UNION ALL SELECT t.relname || '.' || conname, pg_get_constraintdef(c.oid) FROM pg_constraint c JOIN own_tables t ON t.oid = c.conrelid
			UNION ALL SELECT 'index ' || x.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN own_tables t ON t.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
			UNION ALL SELECT 'view ' || viewname, definition FROM pg_views WHERE schemaname !~ '^pg_' AND schemaname <> 'information_schema'
			UNION ALL SELECT 'view ' || matviewname, definition FROM pg_matviews
			UNION ALL SELECT 'trigger ' || g.tgname, pg_get_triggerdef(g.oid) FROM pg_trigger g JOIN own_tables t ON t.oid = g.tgrelid WHERE NOT g.tgisinternal
		)
		SELECT name, text, '(\m(?:now|timezone)\s*\(|\m(?:current_timestamp|current_time|current_date|localtimestamp|localtime)\M'
			|| '|\m(?:clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\M|\mat\s+time\s+zone\M'
			|| '|''(?:now|today|tomorrow|yesterday)''\s*::|(?:\m(?:date|time|timetz|timestamp|timestamptz|time\s+zone)\s+|\mcast\s*\(\s*)''(?:now|today|tomorrow|yesterday)'''
			-- What follows depends on the session's zone.
			|| '|\m(?:date_trunc|date_part|date_bin|to_char|make_timestamptz)\s*\(|\mextract\s*\(\s*(?!epoch)\w+'
			|| '|\minterval\s*''[^'']*(?:day|week|mon|year)|''[^'']*\d\s*(?:day|week|mon|year)s?[^'']*''\s*::\s*interval'
			|| '|(?:_at|timestamptz|time\s+zone|\mnow_|\mfrom_|\mto_)\)?\s*::\s*(?:date|time|timestamp)\M(?!\s+with\s+time)'
			|| '|\mcast\s*\(\s*\w*(?:_at|now_)\s+as\s+(?:date|time|timestamp)\M(?!\s+with\s+time)'
			|| '|\m(?:set|local|session)\s+"?(?:timezone|time\s+zone)\M|\mset_config\s*\(\s*''timezone''|\mat\s+local\M)' AS words
		FROM texts;`

// faults runs every rule in a transaction and names the rule of each fault.
func faults(t *testing.T, tx pgx.Tx) (found []string) {
	t.Helper()
	if _, err := tx.Exec(t.Context(), views); err != nil {
		t.Fatal(err)
	}
	for _, rule := range rules {
		query := strings.ReplaceAll(rule.query, "organization_of(", "pg_temp.organization_of(")
		rows, err := tx.Query(t.Context(), query, named)
		if err != nil {
			t.Fatalf("%s: %v", rule.name, err)
		}
		texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatalf("%s: %v", rule.name, err)
		}
		for _, text := range texts {
			found = append(found, rule.name+": "+text)
		}
	}
	slices.Sort(found)
	return found
}

// inspect changes the schema as text says, reads the catalogue, and takes the change back.
func inspect(t *testing.T, pool *pgxpool.Pool, change string) []string {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	if _, err := tx.Exec(t.Context(), change); err != nil {
		t.Fatalf("%s: %v", change, err)
	}
	return faults(t, tx)
}

func TestTheCatalogueKeepsItsRules(t *testing.T) {
	for _, fault := range inspect(t, pgtest.New(t), "SELECT") {
		t.Error(fault)
	}
}
