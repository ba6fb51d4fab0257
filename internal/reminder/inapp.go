package reminder

import "context"

// InApp shows messages in the app, which reads them from the API: nothing leaves the house.
type InApp struct{}

// Kind is documented at Channel.
func (InApp) Kind() ChannelKind { return Push }

// Enter is documented at Channel.
func (InApp) Enter(context.Context) (func(), error) { return func() {}, nil }

// MayRetry is documented at Channel.
func (InApp) MayRetry() error { return nil }

// Send is documented at Channel.
func (InApp) Send(ctx context.Context, _ Letter, leave Leave) (Receipt, error) {
	left, err := leave(ctx)
	if err != nil {
		return Receipt{}, err
	}
	left()
	return Receipt{}, nil
}

// Find is documented at Channel. Nothing has left, so that nothing is lost by saying so.
func (InApp) Find(context.Context, Sought) (Finding, error) { return Finding{}, nil }
