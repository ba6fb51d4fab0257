package redis_test

import (
	"testing"

	"github.com/mediconnect/mediconnect/internal/testkit/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }
