package bench_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// fill puts n visits into a database that the API could have put there: a fifth of them to come, each in the providers' second
// lane, with all claims, counters, records and events, even those that the sweeper would have removed by now.
// @last is the first day after all of them.
var fill = []string{
	`CREATE FUNCTION pg_temp.id(at timestamptz) RETURNS uuid LANGUAGE sql AS $$ -- RFC 9562, version 7
		SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING substring(int8send((extract(epoch FROM at) * 1000)::bigint) FROM 3)
			FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid $$`,
	`CREATE TEMPORARY TABLE folk AS SELECT g AS n, pg_temp.id(now()) AS id FROM generate_series(0, greatest(@n::int / 10, cardinality(@providers::uuid[]))) g`,
	`INSERT INTO patients (organization_id, id, identifier_system, identifier_token, identifier, given_name, family_name)
		SELECT @org, id, 'https://clinic.example/old', sha256(uuid_send(id)), '\x0031', '\x0041', '\x0042' FROM folk`,
	`CREATE TEMPORARY TABLE visit AS
		SELECT pg_temp.id(v.at - interval '14 days') AS id, pg_temp.id(v.at) AS lane, pg_temp.id(v.at) AS span, v.provider, f.id AS patient, v.at,
			v.at::date AS day, v.at - interval '14 days' AS made, v.at < now() AS past
		FROM (SELECT g AS n, g / cardinality(@providers::uuid[]) AS k, (@providers::uuid[])[1 + g % cardinality(@providers::uuid[])] AS provider,
				@last::date - (g / cardinality(@providers::uuid[])) / 16 - 1 + interval '9 hours' + (g / cardinality(@providers::uuid[]) % 16) * interval '30 minutes' AS at
			FROM generate_series(0, @n::int - 1) g) v
		JOIN folk f ON f.n = (v.n + v.k) % (SELECT count(*) FROM folk)`,
	`INSERT INTO appointments (organization_id, id, version, status, provider_id, location_id, visit_kind_id, patient_id, modality,
			starts_at, ends_at, local_start, time_zone, tzdb_version, created_at, created_by, updated_at)
		SELECT @org, id, 1, CASE WHEN past THEN 'FULFILLED' ELSE 'BOOKED' END, provider, @location, @kind, patient, 'IN_PERSON', at, at + interval '30 minutes',
			at, 'Atlantic/Reykjavik', '2026a', made, patient, made FROM visit ORDER BY made`,
	`INSERT INTO claims (organization_id, id, party_kind, party_id, lane, starts_at, ends_at, state, appointment_id, days, counted_day)
		SELECT @org::uuid, lane, 'PROVIDER', provider, 1, at, at + interval '30 minutes', CASE WHEN past THEN 'PAST' ELSE 'ACTIVE' END, id, ARRAY[day], day FROM visit
		UNION ALL
		SELECT @org::uuid, span, 'PATIENT', patient, 0, at, at + interval '30 minutes', CASE WHEN past THEN 'PAST' ELSE 'ACTIVE' END, id, ARRAY[day], NULL::date FROM visit`,
	`INSERT INTO party_days (organization_id, party_id, day, revision, booked)
		SELECT @org::uuid, provider, day, count(*), count(*) FILTER (WHERE NOT past) FROM visit GROUP BY provider, day
		UNION ALL SELECT @org::uuid, patient, day, 0, 0 FROM visit GROUP BY patient, day`,
	`INSERT INTO audit_events (organization_id, id, at, actor_kind, actor_id, client, action, entity_kind, entity_id, request_id)
		SELECT @org, pg_temp.id(made), made, 'PATIENT', patient, 'bench', 'appointment.book', 'Appointment', id, 'bench' FROM visit ORDER BY made`,
	`INSERT INTO event_log (organization_id, at, topic, provider_id, appointment_id, payload)
		SELECT @org, made, 'appointment.booked', provider, id, jsonb_build_object('taken', jsonb_build_array(jsonb_build_object('id', lane, 'lane', 1, 'from', at)))
		FROM visit ORDER BY made`,
	`INSERT INTO idempotency_keys (organization_id, client, actor_id, key, operation, input_hash, result, created_at)
		SELECT @org, 'bench', patient, gen_random_uuid()::text, 'bookAppointment', sha256(uuid_send(id)), jsonb_build_object('appointment', id, 'version', 1), now()
		FROM visit LIMIT @n::int / 100`,
}

// stock fills a database with n visits.
func (w *town) stock(t testing.TB, url string, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Minute)
	defer cancel()
	admin, err := w.AdminURL(url)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(ctx, admin+"&session_replication_role=replica&work_mem=256MB&timezone=UTC")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	location, _ := w.Ref(w.Location)
	kind, _ := w.Ref(w.VisitKind)
	perDay := perDay * len(w.providers)
	last := time.Now().UTC().AddDate(0, 0, n/5/perDay+1)
	for _, statement := range fill {
		if err := run(ctx, conn, statement, location.Organization, location.ID, kind.ID, w.providers, n, last.Format(time.DateOnly)); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	for _, statement := range []string{"VACUUM (ANALYZE)", "CHECKPOINT"} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
}

// run gives a statement those of the arguments that it names.
func run(ctx context.Context, conn *pgx.Conn, statement string, org, location, kind uuid.UUID, providers []uuid.UUID, n int, last string) error {
	_, err := conn.Exec(ctx, statement, pgx.NamedArgs{
		"org": org, "location": location, "kind": kind, "providers": providers, "n": n, "last": last,
	})
	return err
}
