package queue

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"

	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/reminder"
)

// What a task is made of in Redis.
const (
	typeSend    = "message:send"
	version     = 1
	traceHeader = "traceparent" // https://www.w3.org/TR/trace-context/#traceparent-header
	mostPayload = 4 << 10       // bytes
	mostTrace   = 128           // bytes
)

// payload is what Redis has of a task. There is nothing private in it, and never shall be.
type payload struct {
	V            int                  `json:"v"`
	Channel      reminder.ChannelKind `json:"channel"`
	Organization uuid.UUID            `json:"organization"`
	ID           uuid.UUID            `json:"id"`
	Generation   int                  `json:"generation"`
	At           time.Time            `json:"at"`
}

func write(t reminder.Task) (*asynq.Task, error) {
	body, err := json.Marshal(payload{version, t.Channel, t.Message.Organization, t.Message.ID, t.Generation, t.At.UTC()})
	if err != nil {
		return nil, err
	}
	var headers map[string]string
	if t.Trace != "" && len(t.Trace) <= mostTrace {
		headers = map[string]string{traceHeader: t.Trace}
	}
	return asynq.NewTaskWithHeaders(typeSend, body, headers), nil
}

// Why a task can't be read. A newer release's are among them while an older one still runs.
var (
	errType    = errors.New("its type is unknown")
	errSize    = errors.New("it is too large")
	errForm    = errors.New("it is malformed")
	errVersion = errors.New("its version is unknown")
	errName    = errors.New("its name is another's")
)

// parse reads a payload.
func parse(kind string, body []byte) (p payload, err error) {
	switch {
	case kind != typeSend:
		return p, errType
	case len(body) > mostPayload:
		return p, errSize
	case json.Unmarshal(body, &p) != nil:
		return p, errForm
	case p.V != version:
		return p, errVersion
	case p.ID == uuid.Nil || p.Organization == uuid.Nil || p.Generation < 0 || p.Channel == "":
		return p, errForm
	}
	return p, nil
}

// read reads what Redis has under a name.
func read(name, kind string, body []byte, headers map[string]string) (reminder.Task, error) {
	p, err := parse(kind, body)
	if err != nil {
		return reminder.Task{}, err
	}
	t := reminder.Task{Channel: p.Channel, Message: clinic.Ref{Organization: p.Organization, ID: p.ID}, Generation: p.Generation, At: p.At}
	if t.Name() != name {
		return reminder.Task{}, errName
	}
	if trace := headers[traceHeader]; len(trace) <= mostTrace {
		t.Trace = trace
	}
	return t, nil
}
