package bench_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func cpu(pid int) (u, s int) {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+2:]))
	fmt.Sscan(f[11], &u)
	fmt.Sscan(f[12], &s)
	return
}

func TestZZ(t *testing.T) {
	w := newTown(t, 100, 1000, 16)
	_, alone := w.sides()
	alone.record(t, 30000)
	ctx := context.Background()
	for _, opt := range []string{"", "&synchronous_commit=off", "&synchronous_commit=off&jit=off", "&jit=off&plan_cache_mode=force_generic_plan"} {
		c, err := pgx.Connect(ctx, w.url+opt)
		if err != nil {
			t.Fatal(err)
		}
		var pid int
		c.QueryRow(ctx, "select pg_backend_pid()").Scan(&pid)
		for phase := range 3 {
			u0, s0 := cpu(pid)
			b := time.Now()
			n := 1000
			for range n {
				if _, err := c.Exec(ctx, "SELECT public.book(p) FROM recorder.calls WHERE n = (SELECT nextval('recorder.turn'))"); err != nil {
					t.Fatal(err)
				}
			}
			u1, s1 := cpu(pid)
			t.Logf("%s phase %d: %.2f ms wall, %.2f ms user %.2f ms sys per booking", opt, phase, float64(time.Since(b).Microseconds())/1000/float64(n), float64(u1-u0)*10/float64(n), float64(s1-s0)*10/float64(n))
		}
		c.Close(ctx)
	}
}
