package appointment

import "context"

// StreamCursor is a place in the event log from which whatever is read afterwards misses nothing.
func (s *Service) StreamCursor(ctx context.Context) (string, error) { return s.store.StreamCursor(ctx) }
