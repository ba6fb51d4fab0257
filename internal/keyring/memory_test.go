package keyring

import (
	"testing"
	"testing/synctest"
	"time"
)

// A remembered key that stayed longer could be used after it was destroyed, and one that stayed in memory could be read there.
func TestWhatIsRememberedIsForgottenByItselfAndInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory[string, int](10, time.Minute)
		m.Add("ann", 1)
		<-time.After(30 * time.Second)
		m.Add("ben", 2)
		<-time.After(time.Minute - 30*time.Second - time.Nanosecond)
		if v, ok := m.Get("ann"); !ok || v != 1 {
			t.Errorf("Ann's is %d, %v a moment before its end", v, ok)
		}
		<-time.After(time.Nanosecond)
		if v, ok := m.Get("ann"); ok || v != 0 {
			t.Errorf("Ann's is %d, %v in the end", v, ok)
		}
		if _, ok := m.Get("ben"); !ok {
			t.Error("Ben's went with Ann's")
		}
		<-time.After(40 * time.Second)
		if n := m.list.Len(); n != 0 || m.sweep != nil {
			t.Errorf("%d things are in memory after their time", n)
		}
		m.Add("ann", 3)
		if v, _ := m.Get("ann"); v != 3 {
			t.Errorf("what is remembered afterwards is %d", v)
		}
		m.Purge()
		if _, ok := m.Get("ann"); ok {
			t.Error("what was to be forgotten is remembered")
		}
	})
}

func TestMoreThanThereIsRoomForIsForgottenFirstThingFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory[int, int](2, time.Minute)
		for i := range 3 {
			m.Add(i, i)
			_, _ = m.Get(0)
		}
		m.Add(1, 10)
		m.Add(3, 3)
		if _, ok := m.Get(0); ok {
			t.Error("the first one is still there")
		}
		if _, ok := m.Get(2); ok {
			t.Error("the one that was put there before the others is still there")
		}
		if v, _ := m.Get(1); v != 10 {
			t.Errorf("what was put there anew is %d", v)
		}
	})
}
