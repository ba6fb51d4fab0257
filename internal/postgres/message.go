package postgres

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/patient"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// Messages is the store of the reminder room. What many workers of a process do at the same time goes to the database at once.
type Messages struct {
	db         *DB
	drafts     gathering[reminder.Task, drafted]
	claims     gathering[reminder.Claim, claimed]
	leaves     gathering[reminder.Message, leaving]
	conclusion gathering[concluding, bool]
}

var _ reminder.Store = (*Messages)(nil)

// mostAtOnce bounds what goes to the database together.
const mostAtOnce = 100

// NewMessages is the store over a database.
func NewMessages(db *DB) *Messages {
	s := &Messages{db: db}
	s.drafts.most, s.drafts.do = mostAtOnce, s.draftAll
	s.claims.most, s.claims.do = mostAtOnce, s.claimAll
	s.leaves.most, s.leaves.do = mostAtOnce, s.leaveAll
	s.conclusion.most, s.conclusion.do = mostAtOnce, s.concludeAll
	return s
}

const courierRole = "mediconnect_courier"

// Statements of the courier name what they look for: a plan that was made while the table was small shall look it up by its key, too, and
// one for all lists is as good as one for each.
const setRole = `
SELECT set_config('role', $1, true), set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)`

// courier runs one statement for all tenants, and answers its rows. It goes to the server together with the role's name: without a BEGIN,
// what is sent at once is one transaction.
func courier[T any](ctx context.Context, db *DB, statement string, args ...any) (rows []T, err error) {
	err = db.again(ctx, func(ctx context.Context, conn *pgxpool.Conn) error {
		batch := &pgx.Batch{}
		batch.Queue(setRole, courierRole)
		collect(batch.Queue(statement, args...), &rows)
		return conn.SendBatch(ctx, batch).Close()
	})
	return rows, err
}

// messageRow is a row of the table, without whom it is for.
type messageRow struct {
	OrganizationID, ID, AppointmentID uuid.UUID
	Version                           int
	Kind                              reminder.Kind
	Rule                              string
	Channel                           reminder.ChannelKind
	Place                             int
	EveryChannel                      bool
	ScheduledFor, ExpiresAt           time.Time
	DueAt                             *time.Time
	State                             reminder.State
	Cause                             string
	Generation, Episode, Attempts     int
	Tries, Claims                     int
	Reference, VendorID, Trace        string
	QueuedAt, SendingAt, LeftAt       *time.Time
	SentAt, DeliveredAt, EndedAt      *time.Time
}

const messageColumns = `m.organization_id, m.id, m.appointment_id, m.version, m.kind, m.rule, m.channel, m.place, m.every_channel, m.scheduled_for, m.expires_at,
    m.due_at, m.state, coalesce(m.cause, '') AS cause, m.generation, m.episode, m.attempts, m.tries, m.claims, m.reference,
    coalesce(m.vendor_id, '') AS vendor_id, m.trace, m.queued_at, m.sending_at, m.left_at, m.sent_at, m.delivered_at, m.ended_at`

// seenByCourier are the columns that the courier may read.
const seenByCourier = `m.organization_id, m.id, m.appointment_id, m.version, m.kind, m.rule, m.channel, m.place, m.every_channel, m.scheduled_for, m.expires_at,
    m.due_at, m.state, m.cause, m.generation, m.episode, m.attempts, m.tries, m.claims, m.overtaken_at, m.reference, m.vendor_id, m.trace, m.queued_at, m.sending_at,
    m.left_at, m.sent_at, m.delivered_at, m.ended_at`

func (r messageRow) message() reminder.Message {
	return reminder.Message{
		ID: r.ID, OrganizationID: r.OrganizationID, AppointmentID: r.AppointmentID, Version: r.Version, Kind: r.Kind, Rule: r.Rule, Channel: r.Channel,
		Place: r.Place, Both: r.EveryChannel, Scheduled: r.ScheduledFor.UTC(), Expires: r.ExpiresAt.UTC(), Due: utc(r.DueAt), State: r.State, Cause: reminder.Cause(r.Cause),
		Generation: r.Generation, Episode: r.Episode, Attempts: r.Attempts, Tries: r.Tries, Claims: r.Claims, Reference: r.Reference, VendorID: r.VendorID,
		Trace: r.Trace, QueuedAt: utc(r.QueuedAt), SendingAt: utc(r.SendingAt), LeftAt: utc(r.LeftAt), SentAt: utc(r.SentAt), DeliveredAt: utc(r.DeliveredAt), EndedAt: utc(r.EndedAt),
	}
}

func messagesOf(rows []messageRow) []reminder.Message {
	list := make([]reminder.Message, len(rows))
	for i, r := range rows {
		list[i] = r.message()
	}
	return list
}

// taskRow is what the queue needs of a message.
type taskRow struct {
	OrganizationID, ID uuid.UUID
	Channel            reminder.ChannelKind
	Generation         int
	DueAt              time.Time
	Trace              string
}

const taskColumns = `m.organization_id, m.id, m.channel, m.generation, m.due_at, m.trace`

func tasksOf(rows []taskRow) []reminder.Task {
	list := make([]reminder.Task, len(rows))
	for i, r := range rows {
		list[i] = reminder.Task{
			Channel: r.Channel, Message: clinic.Ref{Organization: r.OrganizationID, ID: r.ID}, Generation: r.Generation, At: r.DueAt.UTC(), Trace: r.Trace,
		}
	}
	return list
}

// unzip makes columns of tasks, for unnest.
func unzip(tasks []reminder.Task) (organizations, ids []uuid.UUID, generations []int) {
	for _, t := range tasks {
		organizations, ids, generations = append(organizations, t.Message.Organization), append(ids, t.Message.ID), append(generations, t.Generation)
	}
	return organizations, ids, generations
}

// traceOf continues what a request began, as a W3C traceparent (https://www.w3.org/TR/trace-context/): the same for the same request.
func traceOf(request string) string {
	if request == "" {
		return ""
	}
	sum := sha256.Sum256([]byte("mediconnect trace\x00" + request))
	return "00-" + hex.EncodeToString(sum[:16]) + "-" + hex.EncodeToString(sum[16:24]) + "-01"
}

// recipient is the digest of a number or an address that messages go to, the same for all organisations, and however an address is capitalised.
func (db *DB) recipient(ctx context.Context, c reminder.ChannelKind, to access.Private) ([]byte, error) {
	key, err := db.lookUp(ctx, uuid.Nil)
	if err != nil {
		return nil, err
	}
	return key.digest(patient.Handle{Purpose: "recipient by " + string(c), Value: access.Private(strings.ToLower(to.Reveal()))}), nil
}
