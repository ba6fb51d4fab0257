package app

import "context"

// enter is Open for a process that is given its database: with a login that the program can't work with, it ends at once.
func enter(ctx context.Context, frame Frame) (*App, error) {
	a, err := Open(ctx, frame)
	if err != nil {
		return nil, err
	}
	if err := a.db.Admit(ctx); err != nil {
		a.Close()
		return nil, err
	}
	return a, nil
}
