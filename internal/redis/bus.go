package redis

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/mediconnect/mediconnect/internal/live"
)

// Bus is a channel of Redis.
type Bus struct {
	client  *redis.Client
	channel string
}

var _ live.Bus = Bus{}

// Bus is the channel of a name.
func (c *Client) Bus(channel string) Bus { return Bus{c.client, channel} }

// Publish implements live.Bus.
func (b Bus) Publish(ctx context.Context, message []byte) error {
	return b.client.Publish(ctx, b.channel, message).Err()
}

// Listen implements live.Bus. Redis may forget a subscription without ending its connection, as when another server takes its
// place behind the same address: that shows as silence.
func (b Bus) Listen(ctx context.Context, silence time.Duration, each func([]byte)) error {
	s := b.client.Subscribe(ctx, b.channel)
	defer s.Close()
	defer context.AfterFunc(ctx, func() { _ = s.Close() })() // a read that waits doesn't look at ctx
	for {
		said, err := s.ReceiveTimeout(ctx, silence)
		if err != nil {
			return err
		}
		if m, ok := said.(*redis.Message); ok {
			each([]byte(m.Payload))
		}
	}
}
