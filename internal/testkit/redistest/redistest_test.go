package redistest_test

import (
	"net"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/mediconnect/mediconnect/internal/testkit/redistest"
)

func TestEachTestHasARedisOfItsOwn(t *testing.T) {
	one, two := redistest.New(t), redistest.New(t)
	if err := one.Set(t.Context(), "key", "value", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if got, err := two.Get(t.Context(), "key").Result(); err != redis.Nil {
		t.Errorf("the other Redis has %q (%v), want nothing", got, err)
	}
}

func TestRedisIsGoneAfterItsTest(t *testing.T) {
	var url string
	t.Run("inner", func(t *testing.T) { url = redistest.NewURL(t) })
	options, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	if conn, err := net.Dial("tcp", options.Addr); err == nil {
		conn.Close()
		t.Error("Redis still answers after its test")
	}
}
