package resolvers_test

import (
	"context"
	"sync"

	"github.com/mediconnect/mediconnect/internal/access"
	"github.com/mediconnect/mediconnect/internal/audit"
	"github.com/mediconnect/mediconnect/internal/clinic"
	"github.com/mediconnect/mediconnect/internal/paging"
)

// kept is what a request was recorded with, or why it can't be.
type kept struct {
	mu     sync.Mutex
	fail   error
	trails []*access.Trail
	fields []map[string][]string
}

func (k *kept) Keep(_ context.Context, a access.Actor, fields map[string][]string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.trails, k.fields = append(k.trails, a.Trail), append(k.fields, fields)
	return k.fail
}

type auditRoom struct{ *rooms }

func (r auditRoom) Events(_ context.Context, _ access.Actor, f audit.Filter, _ paging.Window) (paging.Page[audit.Event], error) {
	r.note("AuditEvents", f)
	return paging.Page[audit.Event]{Items: r.events}, r.fail
}

func (r auditRoom) Count(context.Context, access.Actor, audit.Filter) (int, error) { return 0, r.fail }

func (r auditRoom) History(_ context.Context, _ access.Actor, of clinic.Ref, _ paging.Window) (paging.Page[audit.Event], error) {
	r.note("History", of)
	return paging.Page[audit.Event]{}, r.fail
}

func (r auditRoom) CountHistory(context.Context, access.Actor, clinic.Ref) (int, error) {
	return 0, r.fail
}

func (r auditRoom) Find(context.Context, access.Actor, []clinic.Ref) (map[clinic.Ref]audit.Event, error) {
	return nil, r.fail
}
